# %% [markdown]
# # 10 · Unsupervised: clustering with borrowed features
#
# **About 40 minutes** · runs in under a minute on one CPU core · no network needed · you need
# [lesson 03](03_feature_extraction.ipynb)
#
# After this lesson you can
#
# 1. find groups in images that nobody labelled, and turn ten labels into four hundred;
# 2. say what a silhouette, NMI and ARI measure, and what they do not;
# 3. tell *what* a description groups by, before it sorts your data by something you did not want.
#
# This lesson proves six claims, **C1** to **C6**. The notebook stops if its own numbers do not bear them out.

# %% [markdown]
# ## Four hundred slips and no teacher
#
# The post office has a crate of old slips, one handwritten digit on each. Mei is asked to sort them, and there is
# nobody who would tell her what is what; she may ask the old postmaster about *ten* slips, no more. If only like slips
# lay together, she would ask about one of each heap and be done.
#
# **Clustering** is putting like things together without labels. "Like" means near each other in some description.
# [Lesson 03](03_feature_extraction.ipynb) gave us one: the features of a frozen network.

# %%
import numpy as np

import tlwidgets as tlw
from tlwidgets.exercises import check, claim, line_chart, picture, predict, quiz, reveal, say
from tlwidgets.exercises.experiments.clustering import (
    explore_sortings,
    grouped,
    ten_labels,
    three_sortings,
    two_directions,
    two_orders,
)
from tlwidgets.methods.clustering import agreement

# %%
found = tlw.cluster("digits", n_clusters=10, samples=400)
picture(
    found.show(8),
    alt="Ten rows of eight handwritten digits: the images nearest to the middle of each group. Nearly every row holds "
    "one digit only.",
)

# %% [markdown]
# No label was looked at. The network described 400 slips, and **k-means** found ten groups among the descriptions. It
# is one of the oldest methods there is:
#
# 1. put ten *centres* somewhere;
# 2. every slip joins the nearest centre;
# 3. every centre moves to the mean of those that joined it; back to 2, until nothing moves.
#
# ## Are they good groups?
#
# Here we are lucky: these slips *have* labels, hidden from the method. So we can judge it afterwards, by two measures.
# Both compare groupings and care for no names: group 7 may well hold the zeros.
#
# - **ARI** takes pairs of slips: do both groupings agree on whether the two belong together? 1 is the same grouping,
#   and a random one gets 0 on average.
# - **NMI** asks how much each of the two groupings tells of the other, from 0 to 1.
#
# **C1** Groups by borrowed features agree with the digits by at least 0.12 more (ARI) than groups by pixels.

# %%
by_pixels = grouped("digits", "pixels", 10)
claim(
    "C1",
    found.scores["ari"],
    ">",
    by_pixels.scores["ari"],
    margin=0.12,
    says="groups by features agree with the digits more than groups by pixels",
)

# %% [markdown]
# Why two measures? Because one of them can be fooled. Deal the 400 slips into 200 groups *by dice*:

# %%
dice = np.random.default_rng(0).integers(0, 200, len(found.rows))
by_dice = agreement(dice, found.data.labels[found.rows])
say(f"Groups by dice: NMI {by_dice['nmi']:.1f}, ARI {abs(by_dice['ari']):.1f}.")

# %% [markdown]
# In groups of two, knowing the group does tell something about the label, by sheer smallness. ARI takes off what chance
# would give; NMI does not. When the number of groups is large, look at ARI.
#
# ## A picture of 192 numbers
#
# Each slip is a point among 192 numbers. **t-SNE** lays the points out on paper so that *neighbours stay neighbours*:

# %%
picture(
    found.plot("tsne"),
    alt="A map of 400 points in ten islands, each island nearly all of one colour and marker, that is, of one group. "
    "Between three of the islands lie a few stragglers.",
)

# %% [markdown]
# Do not believe such a map too much. How *large* an island is and how *far* two islands are apart means nothing in
# t-SNE. What the map can do: show you stragglers, and groups that were cut in two.
#
# ## Ten questions
#
# Now Mei may ask ten times. She takes the slip in the *middle* of each group, and gives its name to the whole group.
# Her brother spends ten questions as well: he is even handed one slip of each digit, drawn by chance, and gives every
# other slip the name of the likest of his ten.
#
# **C2** By the middles of groups at least 9 slips in every 100 more get their right name.

# %%
asked = ten_labels(found)
claim(
    "C2",
    asked["middles"],
    ">",
    asked["by chance"],
    margin=0.09,
    says="ten labels name more digits when spent on the middles of groups",
)

# %% tags=["nbval-ignore-output"]
ward = tlw.cluster("digits", n_clusters=10, samples=400, method="agglomerative")
say(
    f"ARI by pixels **{by_pixels.scores['ari']:.2f}**, by features **{found.scores['ari']:.2f}** (another old method, "
    f"agglomerative, gives {ward.scores['ari']:.2f}). Named rightly of a hundred: ten labels in the middles "
    f"**{100 * asked['middles']:.0f}**, ten labels by chance **{100 * asked['by chance']:.0f}**. The middles again, "
    f"with every slip named after the likest of them: {100 * asked['likest']:.0f}."
)

# %% [markdown]
# The labels were the same in number. Two things helped: typical slips were asked, and whole groups took the name. The
# last number of the sentence has the first without the second, so it lies between the other two. Which of the two
# helped more?

# %%
by_typical_slips, by_whole_groups = asked["likest"] - asked["by chance"], asked["middles"] - asked["likest"]
bool(by_typical_slips > by_whole_groups > 0)

# %% [markdown]
# `True`: it was mostly the choice of slips. The *unlabelled* ones said where a label is worth most.

# %% [markdown]
# ## Exercise (modify): five are asked
#
# The slip in the middle may be an odd one. Suppose the postmaster is patient and Mei asks about *five* of each group.
# This function still believes the first answer:


# %%
def first_answer(answers):
    return {group: labels[0] for group, labels in answers.items()}


answers = {0: ["7", "7", "1", "7", "7"], 1: ["4", "9", "9", "9", "4"]}
first_answer(answers)

# %% [markdown]
# Change it into `name_groups(answers)`: again a dictionary with *one* name for each group, but now the answer that came
# most often.


# %% solution="cl-names"
### BEGIN SOLUTION
def name_groups(answers):
    return {group: max(labels, key=labels.count) for group, labels in answers.items()}


### END SOLUTION

# %% grade="cl-names"
check("cl-names", name_groups=name_groups)

# %% [markdown]
# ## Tidy up! But how?
#
# Mei's little sister has tipped out a tin of wooden pieces, from a game whose rules are lost. "Tidy up", says their
# father, "four boxes". He does not say by what.

# %%
pieces = grouped("coloured_shapes", "pretrained", 4)
picture(
    pieces.data.show(16),
    alt="Sixteen small pictures: circles, squares, triangles and crosses, each in red, green, blue and yellow",
)

# %% [markdown]
# [[question cl-p1]]

# %% solution="cl-p1"
### BEGIN SOLUTION
predict("cl-p1", "b", confidence=0.5)
### END SOLUTION

# %%
picture(
    grouped("coloured_shapes", "pixels", 4).show(10),
    alt="Four rows of ten pieces, grouped by pixels: each row has one colour and all kinds of shapes",
)

# %%
picture(
    pieces.show(10),
    alt="Four rows of ten pieces, grouped by the network's features: each row has one shape in all colours",
)

# %% [markdown]
# **C3** The groups of the pre-trained network agree with the shape by at least 0.4 more (ARI) than with the colour.

# %%
by_network = two_orders(pieces)
claim(
    "C3",
    by_network["shape"],
    ">",
    by_network["colour"],
    margin=0.4,
    says="the network sorts the pieces by shape, not by colour",
)

# %% [markdown]
# **C4** The groups by pixels agree with the colour by at least 0.4 more than with the shape. The same pieces!

# %%
by_pixel = two_orders(grouped("coloured_shapes", "pixels", 4))
claim(
    "C4",
    by_pixel["colour"],
    ">",
    by_pixel["shape"],
    margin=0.4,
    says="pixels sort the same pieces by colour, not by shape",
)

# %%
reveal("cl-p1")

# %% [markdown]
# Neither is wrong. There are two orders in the tin, and nobody said which one was meant. **A method without labels
# answers a question that you did not ask aloud: the description asks it for you.** Our network learned from letters
# whose colour meant nothing, so for it a red cross and a blue cross are nearly the same thing. If you want colour, this
# is the wrong description, and no cleverer clustering will help.
#
# ## Explore
#
# Three descriptions of the same pieces, a random network among them. For each: what its groups agree with, and their
# **silhouette**. That one needs no labels: it says how much nearer the pieces are to their own group than to the next
# one, from -1 to 1.

# %%
sortings = three_sortings()
explorer = explore_sortings(sortings)
explorer

# %% [markdown]
# **C5** The silhouette of the random network's groups is *higher* than that of the pre-trained network's groups, by at
# least 0.08.

# %%
claim(
    "C5",
    sortings["random"]["silhouette"],
    ">",
    sortings["pretrained"]["silhouette"],
    margin=0.08,
    says="the random network's groups have the higher silhouette",
)

# %% [markdown]
# Clearer groups than the others. But of what? And why so clear?

# %%
of_neither = max(sortings["random"]["colour"], sortings["random"]["shape"]) < 0.3
squeezed = two_directions(grouped("coloured_shapes", "random", 4)) > 0.7 and two_directions(pieces) < 0.5
bool(of_neither), bool(squeezed)

# %% [markdown]
# `True` twice. These are groups of neither: the agreement with colour and with shape stays below 0.3. And a random
# network squeezes everything together: of all differences between its descriptions more than seven tenths lie along two
# directions, with the pre-trained one less than half. Along few directions things are easily parted. **A silhouette
# compares groupings within one description. It cannot tell which description is the better one.**

# %% [markdown]
# ## Exercise (make): one step of k-means
#
# Write the heart of it: `step(rows, centres)` with `rows` a table (N, D) and `centres` a table (K, D). Every row
# chooses the nearest centre, then every centre moves to the mean of those that chose it. Return the new centres, and
# leave what you were given as it is. Think of a centre that nobody chooses.


# %% solution="cl-step"
### BEGIN SOLUTION
def step(rows, centres):
    nearest = ((rows[:, None] - centres) ** 2).sum(axis=2).argmin(axis=1)
    moved = centres.copy()
    for number in set(nearest):
        moved[number] = rows[nearest == number].mean(axis=0)
    return moved


### END SOLUTION

# %% grade="cl-step"
check("cl-step", step=step)

# %% [markdown]
# ## When it fails: how many groups?
#
# We told k-means "ten" and "four". Who tells you, with data of your own? A custom is to try several numbers and take
# the one with the highest silhouette; `tlw.cluster` does so when no number is given. Leyla's scraps from lesson 03 are
# pieces of ten photographs.
#
# [[question cl-p2]]

# %% solution="cl-p2"
### BEGIN SOLUTION
predict("cl-p2", "b", confidence=0.5)
### END SOLUTION

# %%
digits, scraps = (grouped(name).silhouettes for name in ("digits", "grey_patches"))
line_chart(
    list(digits),
    {"digits": list(digits.values()), "scraps of ten photographs": list(scraps.values())},
    across="number of groups",
    up="silhouette",
    alt="Silhouettes over the number of groups from 2 to 12. For digits the line rises until about ten or eleven. For "
    "scraps it is low and nearly flat, highest at around four or five.",
)

# %% [markdown]
# **C6** For scraps of ten photographs the silhouette chooses a number that is too small by at least two.

# %%
chosen = max(scraps, key=scraps.get)
claim("C6", 10, ">", chosen, margin=2, says="the silhouette chooses too few groups for ten photographs")

# %%
reveal("cl-p2")

# %% tags=["nbval-ignore-output"]
say(
    f"For ten digits the silhouette chooses **{max(digits, key=digits.get)}** groups, for ten photographs "
    f"**{chosen}**. The highest silhouette: digits {max(digits.values()):.2f}, scraps {max(scraps.values()):.2f}."
)

# %% [markdown]
# Look at the second line: it is *flat*. All numbers of groups are about equally bad, and the highest of them is a
# winner by luck. "Ten" is a fact about the drawer the photographs came from, not about how the scraps look: in few
# groups lawn and gravel lie together, and a temple with sky, roofs and trees lies in several. When the line has no
# clear top, there is no right number in it. Then choose the number by what you need, and look at the groups.

# %% [markdown]
# ## Quiz
#
# [[question cl-q1]]

# %% solution="cl-q1"
### BEGIN SOLUTION
quiz("cl-q1", "b")
### END SOLUTION

# %% [markdown]
# [[question cl-q2]]

# %% solution="cl-q2"
### BEGIN SOLUTION
quiz("cl-q2", "c")
### END SOLUTION

# %% [markdown]
# [[question cl-q3]]

# %% solution="cl-q3"
### BEGIN SOLUTION
quiz("cl-q3", "b")
### END SOLUTION

# %% [markdown]
# ## What to take away
#
# - Borrowed features and an old method find groups that pixels do not show. Then a few labels go a long way.
# - Groups are groups *of* something. The description decides of what; look before you name them.
# - A silhouette compares groupings in one description. It chooses neither the description nor, reliably, the number.
#
# **Limits.** Digits are an easy case: about equally many of each, and the network once learned letters. On the drawn
# leaves of the quiz the same method finds nothing of what we wanted. Labels were used here for judging only; without
# any there is nothing but your eyes. Grouping *texts* by what they mean comes in lesson 18.
#
# **Read on**
#
# - J. MacQueen, [Some methods for classification and analysis of multivariate
#   observations](https://projecteuclid.org/euclid.bsmsp/1200512992), 1967: k-means.
# - P. Rousseeuw, [Silhouettes](https://doi.org/10.1016/0377-0427(87)90125-7), 1987: with the advice to *look* at the
#   plot, which is more than to take its highest point.
# - L. van der Maaten, G. Hinton, [Visualizing data using
#   t-SNE](https://www.jmlr.org/papers/v9/vandermaaten08a.html), 2008; and M. Wattenberg and others, [How to use t-SNE
#   effectively](https://distill.pub/2016/misread-tsne/), 2016, on all the ways to misread it.
# - M. Caron and others, [Deep clustering for unsupervised learning of visual
#   features](https://arxiv.org/abs/1807.05520), 2018: there the groups in turn train the network; here it stays frozen.
#
# Next: [**11 · Semi-supervised learning**](11_semi_supervised.ipynb)
