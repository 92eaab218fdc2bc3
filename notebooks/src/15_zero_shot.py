# %% [markdown]
# # 15 · Zero-shot: classes that nobody has shown
#
# **About 40 minutes** · runs in under a minute on one CPU core · no network needed · you need
# [lesson 03](03_feature_extraction.ipynb)
#
# After this lesson you can
#
# 1. recognise a class of which you have a description and not one picture;
# 2. judge that honestly, with *all* classes to choose from, and correct the preference for the known ones;
# 3. say which descriptions help, and what a wrong one does.
#
# This lesson proves five claims, **C1** to **C5**. The notebook stops if its own numbers do not bear them out.

# %% [markdown]
# ## The blue cross
#
# Out of a tin of wooden pieces ([lesson 10](10_clustering.ipynb) plays with it too) some kinds were lost long ago.
# There is no blue cross in it, and Mei's little sister has never seen one. Her father says: "Grandmother has the whole
# game. Bring me a *blue cross*." The child picks it out at once. Nobody is surprised; she knows blue, and she knows
# crosses.
#
# Can a network do that? Classes without one example, known by a description only: this is **zero-shot** learning.

# %%
import tlwidgets as tlw
from tlwidgets.exercises import check, claim, picture, predict, quiz, reveal, say
from tlwidgets.exercises.experiments.zero_shot import (
    PARTS,
    descriptions,
    explore_methods,
    four_methods,
    held_back,
    hidden,
    pieces,
    recognised,
)

# %%
data = pieces()
picture(data.show(16), alt="Sixteen small pictures: circles, squares, triangles and crosses in four colours")

# %%
PARTS, hidden()

# %% [markdown]
# Sixteen classes, each a colour and a shape. Four of them, those just printed, are taken away: two colours in two
# shapes. Each of these colours and shapes is still seen, in *other* pairs.
#
# ## A description is a row of numbers
#
# Each class answers eight questions, from "is it red?" to "is it a cross?", by yes (1) or no (0). Such answers are
# called **attributes**:

# %%
descriptions()[data.classes.index("blue cross")]

# %% [markdown]
# ## Exercise (modify): from a name to a description
#
# Nobody wants to write such rows by hand. This function makes them out of names, and works for these sixteen:


# %%
def by_letters(name, parts):
    return [int(part in name) for part in parts]


by_letters("blue cross", PARTS), by_letters("gold ring", ["old", "ring"])

# %% [markdown]
# But look at the second row: nobody said "old". Change it into `describe(name, parts)`: for each of the `parts` 1 if it
# is one of the *words* of `name`, else 0.


# %% solution="zs-describe"
### BEGIN SOLUTION
def describe(name, parts):
    return [int(part in name.split()) for part in parts]


### END SOLUTION

# %% grade="zs-describe"
check("zs-describe", describe=describe)

# %% [markdown]
# ## Predict
#
# [[question zs-p1]]

# %% solution="zs-p1"
### BEGIN SOLUTION
predict("zs-p1", "c", confidence=0.5)
### END SOLUTION

# %% [markdown]
# ## Run
#
# The network is frozen and describes every piece, as in lesson 03. From the twelve seen classes **ESZSL** learns one
# table of weights (its authors call it "embarrassingly simple"): which features speak for which attribute. A new piece
# gets a score for each class, seen or not: how well do its features fit the class's row of answers?
#
# No picture of a hidden class is used in learning, only for judging afterwards.

# %%
found = tlw.zero_shot(data, descriptions(), hidden(), method="eszsl")

# %% [markdown]
# **C1** Of pieces that belong to the four hidden classes at least 55 in every 100 more are named rightly than by
# guessing: at least 80 of 100.

# %%
claim("C1", found.accuracy, ">", 1 / 4, margin=0.55, says="classes never seen are recognised by their description")

# %% [markdown]
# Is it the network's knowledge, or would any features do?
#
# **C2** At least 20 in every 100 more than with the features of a random network.

# %%
claim(
    "C2",
    found.accuracy,
    ">",
    recognised("eszsl", pretrained=False).accuracy,
    margin=0.2,
    says="the pre-trained network does so better than a random one",
)

# %%
reveal("zs-p1")

# %% [markdown]
# What was transferred here is *parts*. The description is the bridge: it says which of the known parts make up the
# unknown whole.
#
# ## An honest examination
#
# One thing about that examination was too kind. The network was only asked: *which of the four* hidden classes is it?
# In grandmother's house there are pieces of all kinds.
#
# [[question zs-p2]]

# %% solution="zs-p2"
### BEGIN SOLUTION
predict("zs-p2", "b", confidence=0.5)
### END SOLUTION

# %% [markdown]
# We take another method, **ridge**: it turns the features of a piece into a description, and takes the class whose
# description is nearest. Nothing but the list of allowed names changes: four, or all sixteen (*generalised* zero-shot).
# (Ridge shows the danger most clearly. ESZSL, which we used above, loses far less: see the explorer.)

# %%
ridge = recognised("ridge")

# %% [markdown]
# **C3** With all classes to choose from, at least 20 in every 100 fewer pieces of hidden classes are named rightly.

# %%
claim(
    "C3",
    ridge.accuracy,
    ">",
    ridge.among_all["unseen"],
    margin=0.2,
    says="among all classes the hidden ones are recognised less often",
)

# %%
reveal("zs-p2")

# %% [markdown]
# The model was fitted to the seen classes, so its scores for these are a little too high, whatever it is shown. As long
# as only hidden classes may be named, that does no harm and nobody notices. Among all classes every close decision is
# lost.
#
# Therefore one reports both, how well *seen* and how well *unseen* classes are recognised when all may be named, and
# their **harmonic mean**: it is low as soon as one of the two is low.
#
# ## Explore
#
# Four methods. *attributes* recognises each part by itself and multiplies; *contrastive* asks that the right
# description be the nearest of all.

# %%
methods = four_methods()
assert methods["eszsl"]["unseen"] > methods["ridge"]["unseen"] + 0.15
explorer = explore_methods(methods)
explorer

# %% [markdown]
# ## Exercise (make): hold the known ones back
#
# If seen classes have an advantage, take it away: subtract a number `gamma` from their scores before the highest is
# chosen. Write `choose(scores, seen, gamma)`. `scores` is a table (N, K), `seen` has K times `True` or `False`; return
# the number of the chosen class for each row. Leave `scores` as they are.


# %% solution="zs-choose"
### BEGIN SOLUTION
def choose(scores, seen, gamma):
    return (scores - gamma * seen).argmax(axis=1)


### END SOLUTION

# %% grade="zs-choose"
check("zs-choose", choose=choose)

# %% [markdown]
# This is called *calibrated stacking*. With half a standard deviation of all scores as `gamma`:
#
# **C4** The harmonic mean rises by at least 0.06.

# %%
calibrated = held_back("ridge")
claim(
    "C4",
    calibrated["harmonic"],
    ">",
    ridge.among_all["harmonic"],
    margin=0.06,
    says="holding the known classes back raises the harmonic mean",
)

# %% tags=["nbval-ignore-output"]
say(
    f"Of a hundred pieces of hidden classes: ESZSL **{100 * found.accuracy:.0f}** when only these may be named. Ridge "
    f"**{100 * ridge.accuracy:.0f}**; among all classes **{100 * ridge.among_all['unseen']:.0f}** (and "
    f"{100 * ridge.among_all['seen']:.0f} of known ones); with these held back "
    f"**{100 * calibrated['unseen']:.0f}** (and {100 * calibrated['seen']:.0f})."
)

# %% [markdown]
# Nothing new was learned; only the examination was made fair. How large `gamma` should be cannot be read off the hidden
# classes, for in earnest there are no pictures of them: hide some of the *known* ones for that purpose and choose by
# these.
#
# ## When it fails: a wrong description
#
# A description is all that we have of these classes. So let us lie: in the rows of the hidden classes the two shapes
# change places. Everything that the network learns from stays true.

# %%
lie = recognised("eszsl", "lie")

# %% [markdown]
# **C5** At least 50 pieces in every 100 fewer are named rightly.

# %%
claim(
    "C5",
    found.accuracy,
    ">",
    lie.accuracy,
    margin=0.5,
    says="with two words exchanged the hidden classes are lost",
)

# %% tags=["nbval-ignore-output"]
say(
    f"With true descriptions **{100 * found.accuracy:.0f}** of a hundred, with the lie **{100 * lie.accuracy:.0f}** "
    "(guessing: 25)."
)

# %% [markdown]
# Far *below* guessing: the network does just what it was told. It finds the cross, and calls it by the name that the
# description gave to crosses. With examples, a wrong label among many does little; here one wrong word costs a class.
# And no score warns you, for the pieces fit the wrong descriptions perfectly well.
#
# It also fails, more quietly, where a description is *true* and of no use: if it speaks of things that cannot be seen
# ("grandmother's"), of a part on which all known classes agree, or of parts that look quite different in the new class.
#
# ## Sentences in place of tables
#
# Who writes tables of attributes for a thousand classes? A text encoder makes a row of numbers of any sentence, and
# `tlw.zero_shot` takes sentences as they are. With the extra `text` ([lesson 18](18_text.ipynb) says how to get it),
# try `tlw.zero_shot(data, sentences, hidden(), method="ridge").sentence`, where `sentences` is a list with "a red
# circle" and so on, one for each of `data.classes`.
#
# The large models that do this for any picture (CLIP and its kin) learned from hundreds of millions of pictures with
# captions. Ours learns the bridge from twelve sentences, so it knows the way for these few words only.

# %% [markdown]
# ## Quiz
#
# [[question zs-q1]]

# %% solution="zs-q1"
### BEGIN SOLUTION
quiz("zs-q1", "a")
### END SOLUTION

# %% [markdown]
# [[question zs-q2]]

# %% solution="zs-q2"
### BEGIN SOLUTION
quiz("zs-q2", "b")
### END SOLUTION

# %% [markdown]
# [[question zs-q3]]

# %% solution="zs-q3"
### BEGIN SOLUTION
quiz("zs-q3", "b")
### END SOLUTION

# %% [markdown]
# ## What to take away
#
# - A class can be recognised from its description, if its parts were seen elsewhere.
# - Examine with *all* classes to choose from, and report seen, unseen and their harmonic mean.
# - The description is the whole of what is known. A wrong word is a wrong class, and nothing warns you.
#
# **Limits.** Pieces made of one colour and one shape are as friendly a world as there can be: every part looks the same
# in every pair. With birds or diseases the parts are many, hard to see, and not the same in each kind; results there
# are far lower than these.
#
# **Read on**
#
# - C. Lampert, H. Nickisch, S. Harmeling, [Attribute-based classification for zero-shot visual object
#   categorization](https://doi.org/10.1109/TPAMI.2013.140), 2014: the method *attributes*, on fifty kinds of animals.
# - B. Romera-Paredes, P. Torr, [An embarrassingly simple approach to zero-shot
#   learning](https://proceedings.mlr.press/v37/romera-paredes15.html), 2015: ESZSL.
# - W.-L. Chao and others, [An empirical study and analysis of generalized zero-shot
#   learning](https://arxiv.org/abs/1605.04253), 2016: the preference for seen classes, and calibrated stacking.
# - Y. Xian and others, [Zero-shot learning: a comprehensive evaluation](https://arxiv.org/abs/1707.00600), 2019: why
#   the honest examination turned many results round.
# - A. Radford and others, [CLIP](https://arxiv.org/abs/2103.00020), 2021: sentences in place of attributes, at a scale
#   that ours does not come near.
#
# Next: [**16 · Self-supervised learning**](16_self_supervised.ipynb)
