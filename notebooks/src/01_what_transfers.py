# %% [markdown]
# # 01 · What transfers?
#
# **About 40 minutes** · runs in about a minute on one CPU core · no network needed · you need some Python and
# [lesson 00](00_studio.ipynb)
#
# After this lesson you can
#
# 1. say what *transfer learning* is, and measure what it gains over starting from scratch;
# 2. set up a *fair pair*: two experiments that differ in what you ask about, and treat both sides equally well;
# 3. say where the gain ends, and name a case where it never comes.
#
# This lesson proves three claims, **C1** to **C3**. The notebook stops if its own numbers do not bear them out.

# %% [markdown]
# ## A shoebox full of numbers
#
# Mira's grandmother kept a shoebox of old forms. On each, somebody wrote digits by hand. Mira has scanned them, and
# she wants her computer to read them. That needs examples: images with the right answer written beside them, called
# **labels**. Labelling is dull. After two images of each digit Mira has had enough.
#
# Two images of each digit is very little to learn from. But Mira knows of a network that has already learned to
# tell letters, scribbles and drawn shapes from each other. It has never seen a digit. Is it of any use to her?
#
# - **Source**: what the network learned first (letters, scribbles, shapes).
# - **Target**: what we want it for now (digits).
# - **Transfer learning**: start the target's training from what was learned on the source, instead of from random
#   numbers.
# - **From scratch**: start from random numbers.

# %%
from tlwidgets.exercises import check, claim, line_chart, picture, predict, quiz, reveal, say
from tlwidgets.exercises.experiments.what_transfers import (
    SCRATCH_RATE,
    TOO_LARGE,
    TRANSFER_RATE,
    accuracy_of,
    explore_curve,
    few_digits,
    learning_curve,
    old_life,
    short_recipe,
)

# %% [markdown]
# Mira's labels: two of each digit. The images are scans of real handwriting, 8 by 8 pixels each.

# %%
data = few_digits(labels_per_class=2)
data.splits

# %% [markdown]
# `train` is what the network learns from: 20 images. `test` is kept aside, to find out how well it reads images
# that it has not learned from. (`val` is empty: Mira has no labels to spare.)

# %%
picture(data.show(20), alt="Twenty small grey pictures of handwritten digits, two of each, coarse but readable")

# %% [markdown]
# ## Predict
#
# [[question wt-p1]]
#
# Write your letter in place of the dots, and how sure you are, from 0 (a guess) to 1 (certain). Nothing is revealed
# yet.

# %% solution="wt-p1"
### BEGIN SOLUTION
predict("wt-p1", "b", confidence=0.6)
### END SOLUTION

# %% [markdown]
# ## Run
#
# A **recipe** says everything about one training run. Here is Mira's, with the pre-trained weights and without
# them. The images and the number of steps are the same. The **learning rate**, which says how far each step goes,
# is not: who starts with random numbers has far to go and needs larger steps, and the borrowed numbers would be
# spoiled by those. One rate for both would be a handicap for one of them, so each side has the rate that suits it
# ([lesson 05](05_learning_rates.ipynb) finds them). Both get a new head. Its first numbers are zeros on trained stages,
# and small random ones on random stages, where zeros would tell nothing apart.

# %%
recipe = short_recipe(data)
from_scratch = recipe.replace(pretrained=False, learning_rate=SCRATCH_RATE)
with_transfer = recipe.replace(pretrained=True, learning_rate=TRANSFER_RATE)

scratch = accuracy_of(from_scratch)
transfer = accuracy_of(with_transfer)

# %% [markdown]
# **C1** With two labels for each digit, the pre-trained network reads more test images correctly than the same
# network from scratch: at least 8 in every 100 more.

# %%
claim("C1", transfer, ">", scratch, margin=0.08, says="with two labels a class, transfer beats scratch")

# %%
reveal("wt-p1")

# %% [markdown]
# ## Why?
#
# Look at what the network was trained on before, and think of what a digit is made of.

# %%
picture(
    old_life(),
    alt="Two rows of letters and signs of many scripts, two rows of shapes such as stars, rings and boxes; no digit",
)

# %% [markdown]
# Strokes, corners, loops, crossings. The early stages of a network find such pieces; the late stages put them
# together to shapes; the head, the very last stage, gives the answer. Mira's run kept the stages and threw only the
# old head away. So the pieces did not have to be found again in twenty images.
#
# This is *positive* transfer (it helped) and *lateral* transfer (from one task to another of about the same
# difficulty).

# %% [markdown]
# ## Predict: more labels
#
# [[question wt-p2]]

# %% solution="wt-p2"
### BEGIN SOLUTION
predict("wt-p2", "a", confidence=0.5)
### END SOLUTION

# %% [markdown]
# ## Run: the learning curve
#
# The same pair again, with 2, 5, 10 and 20 labels for each digit. This takes a while. Every run makes the same
# number of steps, and each side has the learning rate that suits it; only the labels differ.

# %%
counts = [2, 5, 10, 20]
curve = learning_curve(counts, known={2: (scratch, transfer)})

# %% tags=["nbval-ignore-output"]
curve.round(2)

# %%
line_chart(
    counts,
    {"with transfer": curve["transfer"], "from scratch": curve["scratch"]},
    across="labelled images of each digit (axis spaced by ratio)",
    up="share of test images read correctly",
    alt="Two rising lines over the number of labels. Transfer lies above scratch; the gap closes to the right.",
    log=True,
)

# %% [markdown]
# **C2** The lead shrinks: with 20 labels for each digit it is at least 6 in every 100 smaller than with 2.

# %%
leads = {count: float(lead) for count, lead in curve["lead"].items()}
claim("C2", leads[2], ">", leads[20], margin=0.06, says="the lead with 2 labels a class exceeds the lead with 20")

# %%
reveal("wt-p2")

# %% [markdown]
# ## Explore
#
# Move the slider, or set `explorer.value` in code: how many images would each side read correctly out of a hundred?

# %%
explorer = explore_curve(curve)
explorer

# %% [markdown]
# ## Exercise (make): where does the lead end?
#
# `leads` holds the lead for each number of labels, from few to many. Let us call a lead below 0.08 gone. Write a
# function that finds, in any such dictionary, the *smallest* number of labels at which the lead is gone, and gives
# `None` where it never is. Then try it: `where_gone(leads)`.


# %% solution="wt-vanish"
### BEGIN SOLUTION
def where_gone(leads):
    for labels, lead in leads.items():
        if lead < 0.08:
            return labels
    return None


### END SOLUTION

# %% grade="wt-vanish"
check("wt-vanish", where_gone=where_gone)

# %% [markdown]
# ## Exercise (make): a fair pair
#
# The comparison above was fair: its two recipes differ in the weights that they start from, each side has its own
# rate, and everything else is the same. Write a function that makes such a pair from *any* recipe and two rates: the
# first from scratch, the second with transfer. `recipe.replace(field=value)` gives a changed copy.


# %% solution="wt-fair"
### BEGIN SOLUTION
def fair_pair(recipe, scratch_rate, transfer_rate):
    scratch = recipe.replace(pretrained=False, learning_rate=scratch_rate)
    transfer = recipe.replace(pretrained=True, learning_rate=transfer_rate)
    return scratch, transfer


### END SOLUTION

# %% grade="wt-fair"
check("wt-fair", fair_pair=fair_pair)

# %% [markdown]
# ## When it fails
#
# Borrowed knowledge is only numbers in a network, and training changes numbers. How far they move at each step is
# set by the learning rate. Mira is impatient and makes her steps about thirty times larger:

# %%
impatient = accuracy_of(with_transfer.replace(learning_rate=TOO_LARGE))

# %% [markdown]
# **C3** Steps thirty times too large cost transfer at least 10 in every 100 images.

# %%
claim("C3", transfer, ">", impatient, margin=0.1, says="far too large steps cost transfer much of what it reads")

# %% tags=["nbval-ignore-output"]
say(
    f"Out of a hundred test images: **{100 * transfer:.0f}** with transfer, **{100 * scratch:.0f}** from scratch, "
    f"**{100 * impatient:.0f}** with transfer and huge steps. Guessing gives 10."
)

# %% [markdown]
# The first few steps threw the stages so far from where they were that little of the borrowed knowledge was left,
# and twenty images are too few to learn it anew. So "I tried transfer and it did not help" says little until one
# knows how it was trained. There are other ways to fail: a source that teaches the wrong thing, for one.
# [Lesson 08](08_negative_transfer.ipynb) is about them.

# %% [markdown]
# ## Quiz
#
# [[question wt-q1]]

# %% solution="wt-q1"
### BEGIN SOLUTION
quiz("wt-q1", "c")
### END SOLUTION

# %% [markdown]
# [[question wt-q2]]

# %% solution="wt-q2"
### BEGIN SOLUTION
quiz("wt-q2", "b")
### END SOLUTION

# %% [markdown]
# [[question wt-q3]]

# %% solution="wt-q3"
### BEGIN SOLUTION
quiz("wt-q3", "b")
### END SOLUTION

# %% [markdown]
# ## What to take away
#
# - Transfer starts from what another task taught. The fewer labels there are, the more that is worth.
# - What transfers is what both tasks share: here, the strokes and corners of things that people draw.
# - A comparison is worth something only if both sides get the same images and steps, and each the rate that suits
#   it.
#
# **Limits.** This is one small network and one small set of digits. The sizes of the gains belong to this case;
# their *direction* is what others have found too.
#
# **Read on**
#
# - J. Yosinski, J. Clune, Y. Bengio, H. Lipson, [How transferable are features in deep neural
#   networks?](https://arxiv.org/abs/1411.1792), 2014. They cut a much larger network at each stage; we keep every
#   stage.
# - S. Kornblith, J. Shlens, Q. V. Le, [Do better ImageNet models transfer
#   better?](https://arxiv.org/abs/1805.08974), 2019. Among much else it shows our learning curve, on real
#   photographs.
# - K. He, R. Girshick, P. Dollár, [Rethinking ImageNet pre-training](https://arxiv.org/abs/1811.08883), 2018: given
#   enough labels *and* enough time, scratch catches up.
#
# Next: [02 · Looking inside](02_looking_inside.ipynb), what each stage knows.
