# %% [markdown]
# # 06 · Small data: how to judge, and how to learn, from little
#
# **About 60 minutes** · runs in less than half a minute on one CPU core · no network needed · you need
# [lesson 01](01_what_transfers.ipynb)
#
# After this lesson you can
#
# 1. say how far one test result may be off by luck, and make it steadier with *k-fold cross-validation*;
# 2. find *leakage*: a test that knows the answers;
# 3. split pictures so that copies stay together, by hand and with tlwidgets;
# 4. use *augmentation*, *early stopping* and *dropout*, and say when each of them is of no use.
#
# This lesson proves five claims, **C1** to **C5**. The notebook stops if its own numbers do not bear them out. What is
# said of judging holds for every model, so a quick one will do; at the end a small network learns.

# %% [markdown]
# ## Twenty pictures to be judged by
#
# Mira has a hundred labelled digits now. She trains on eighty, tests on the other twenty, and reads off a number.
# Her brother does the same with the same hundred images, only shuffled differently. They get different numbers, and
# quarrel.

# %%
import numpy as np
import pandas as pd

from tlwidgets.exercises import check, claim, line_chart, picture, predict, quiz, reveal, say
from tlwidgets.exercises.experiments.small_data import (
    copied_digits,
    explore_shuffles,
    five_folds,
    hundred_digits,
    nearest_neighbour,
    one_split,
    pick_then_test,
)
from tlwidgets.exercises.experiments.small_training import course, draw_changes, four_ways, stopped

# %%
X, y = hundred_digits()
X.shape, y.shape

# %% [markdown]
# A hundred images, each a row of 64 pixels. Shuffled twenty times they give twenty results.
#
# **Five folds** use the images better than a **single split**. Deal them into five heaps; test on each heap in turn
# after training on the other four; take the mean. Every image is tested once.
#
# [[question sd-p2]]

# %% solution="sd-p2"
### BEGIN SOLUTION
predict("sd-p2", "b", confidence=0.5)
### END SOLUTION

# %%
shuffles = list(range(20))
single = [one_split(X, y, seed) for seed in shuffles]
folds = [five_folds(X, y, seed) for seed in shuffles]

# %%
line_chart(
    shuffles,
    {"one split": single, "five folds": folds},
    across="shuffle of the same hundred images",
    up="share read correctly",
    alt="Two lines over twenty shuffles. Single splits jump up and down; five folds stay closer together.",
    whole=True,
)

# %% [markdown]
# Nothing differs from left to right but the shuffle: the same images, the same model. A single split tests twenty
# images, and one image more or less is already five in a hundred.
#
# **C1** The result of a single split scatters more than twice as much as the mean of five folds.

# %%
claim(
    "C1", np.std(single), ">", 2 * np.std(folds), says="a single split scatters more than twice as much as five folds"
)

# %%
reveal("sd-p2")

# %% [markdown]
# Folds do not make a hundred images into a thousand. They take away most of the luck of the *shuffle*. The luck of
# *which hundred* images Mira happened to have stays.
#
# Move the slider: what would each of them have reported, had they shuffled in this way?

# %%
explorer = explore_shuffles(pd.DataFrame({"single": single, "folds": folds}, index=shuffles))
explorer

# %% [markdown]
# ## Exercise (make): deal the folds
#
# Write `k_folds(n_images, k)`. It returns `k` lists of image numbers: which images are tested in which fold. Every
# number from 0 to `n_images - 1` is in exactly one list, and no list is longer than another by more than one.


# %% solution="sd-folds"
### BEGIN SOLUTION
def k_folds(n_images, k):
    return [list(range(i, n_images, k)) for i in range(k)]


### END SOLUTION

# %% grade="sd-folds"
check("sd-folds", k_folds=k_folds)

# %% [markdown]
# ## A test that knows the answers
#
# Now something strange. Sixty pictures, each copied five times with a little noise, as if somebody had photographed
# the same thing five times. The labels mean nothing: a coin was tossed for each picture. The model is the simplest
# there is: it answers as the most similar picture does that it knows (its *nearest neighbour*).
#
# [[question sd-p1]]

# %% solution="sd-p1"
### BEGIN SOLUTION
predict("sd-p1", "a", confidence=0.8)
### END SOLUTION

# %%
pictures, coins, originals = copied_digits()
torn_apart = nearest_neighbour(pictures, coins, originals, keep_together=False)
kept_together = nearest_neighbour(pictures, coins, originals, keep_together=True)

# %% [markdown]
# **C2** With copies on both sides of the split, coin tosses are "predicted" far better than with copies kept
# together: at least 25 in every 100 more.

# %%
claim("C2", torn_apart, ">", kept_together, margin=0.25, says="copies on both sides beat copies kept together")

# %%
say(
    f"Torn apart: **{torn_apart:.2f}**. Kept together: **{kept_together:.2f}**. A coin: 0.50, and with sixty "
    "pictures chance may well take a result an eighth to either side of it."
)

# %%
reveal("sd-p1")

# %% [markdown]
# This is **leakage**: something of the answers leaked from the training side to the testing side. No model can
# predict a coin; this one recognised the pictures. On new pictures it would be right half the time.
#
# It happens with real images all the time: frames of one film, tiles of one slide, several pictures of one patient,
# the same photograph saved twice.

# %% [markdown]
# ## Exercise (modify): keep copies together
#
# `KFold(5, shuffle=True)` tore the copies apart. Choose a splitter of scikit-learn that keeps all pictures of one
# original in one fold, with five folds, and put it into `splitter`. It will be called as `splitter.split(X, y,
# groups)`, where `groups` holds the number of the original.

# %%
from sklearn.model_selection import GroupKFold, KFold, StratifiedKFold  # noqa: F401 - three to choose from

# %% solution="sd-groups"
### BEGIN SOLUTION
splitter = GroupKFold(5)
### END SOLUTION

# %% grade="sd-groups"
check("sd-groups", splitter=splitter)

# %% [markdown]
# ## What tlwidgets does about it
#
# `load_data` looks for near copies by itself and deals them to one side. `leaks()` lists what still lies on both,
# which can only happen where somebody else made the split.

# %%
import tlwidgets as tlw

data = tlw.load_data("digits")
len(data.leaks())

# %% [markdown]
# It finds near copies, not hidden relations: two different photographs of one patient look different. Those only
# you know of.

# %% [markdown]
# ## When it fails: folds do not forgive picking
#
# Here are 50 rows of pure noise, 5,000 columns of it, and labels by the toss of a coin. We pick the 20 columns that
# go best with the labels, and *then* run five folds, properly stratified and shuffled.
#
# [[question sd-p3]]

# %% solution="sd-p3"
### BEGIN SOLUTION
predict("sd-p3", "a", confidence=0.5)
### END SOLUTION

# %%
picked_first = pick_then_test()
picked_inside = pick_then_test(inside=True)

# %% [markdown]
# **C3** Noise looks predictable when the columns are picked with all rows in view: at least 30 in every 100 better
# than guessing.

# %%
claim("C3", picked_first, ">", 0.5, margin=0.3, says="picking columns before splitting beats guessing, on noise")

# %%
reveal("sd-p3")

# %%
assert abs(picked_inside - 0.5) < 0.15

# %% [markdown]
# Picked anew inside each fold, from the rows that are learned from, the same noise gives no more than the luck of fifty
# coins: within 15 in a hundred of guessing, as the line above asserts. What went wrong is the order: the picking had
# already seen the rows that were tested later. Whatever looks at labels (picking columns, choosing
# a learning rate, choosing the best epoch) is part of learning, and belongs *inside* the fold.

# %% [markdown]
# ## Learning from little: augmentation
#
# So much for judging. Now Mira wants a network to learn from sixty of her hundred digits; the other forty are for
# looking at while it learns. A network has more than enough numbers to learn sixty pictures by heart, and what it has
# by heart it need not understand. There are three well-known brakes.
#
# The first is **augmentation**: show each picture a little changed, and changed anew each time. Which changes? Those
# after which the label is still right. Mira tries two: each picture moved by up to one pixel, and half of the
# pictures mirrored.

# %%
picture(
    draw_changes(),
    alt="Three rows of eight digits: as they were scanned, moved by up to a pixel, and some of them mirrored. Moved "
    "digits are easy to read; mirrored ones often look like no digit.",
)

# %% [markdown]
# The network is tested on the 1,697 digits without a label: once **straight**, as they were scanned, in the middle of
# the picture; and once **askew**, moved by up to a pixel, as her brother scans them.
#
# [[question sd-p4]]

# %% solution="sd-p4"
### BEGIN SOLUTION
predict("sd-p4", "b", confidence=0.6)
### END SOLUTION

# %%
ways = four_ways()

# %% [markdown]
# **C4** On digits that lie askew, a network that learned from moved pictures reads at least 25 in every 100 more than
# one that saw its sixty as they are.

# %%
claim(
    "C4",
    ways["askew"]["moved by a pixel"],
    ">",
    ways["askew"]["nothing added"],
    margin=0.25,
    says="training on moved digits helps with digits that lie askew",
)

# %%
reveal("sd-p4")

# %% tags=["nbval-ignore-output"]
ways.round(2)

# %% [markdown]
# Now read the column *straight*. These digits all lie in the middle, so there moving brings nothing that will be asked
# for, and does not pay. Nor does mirroring: a mirrored 3 or 7 is no digit, and the network is taught that it is one.
#
# **Augmentation tells the network what does not matter.** It helps where that is true *and* will turn up in the test.
# Moved, turned, darker: ask of each whether your pictures will come like that, and whether the label survives it. In a
# recipe it is one field, such as `augmentation="light"`.

# %%
straight = ways["straight"]
assert straight["nothing added"] > max(straight["moved by a pixel"], straight["mirrored"])
assert abs(straight["nothing added"] - straight["dropout of a half"]) < 0.03

# %% [markdown]
# ## Early stopping
#
# Mira's brother offers to label the sixty for her, and is quick about it: three labels in ten are wrong. The forty she
# has labelled herself, with care. The network makes 150 passes over his sixty.
#
# [[question sd-p5]]

# %% solution="sd-p5"
### BEGIN SOLUTION
predict("sd-p5", "a", confidence=0.5)
### END SOLUTION

# %%
hurried = course(hurry=True)
careful = course()

# %%
line_chart(
    hurried.index[::5],
    {"labels in a hurry": hurried["straight"][::5], "labels with care": careful["straight"][::5]},
    across="epoch (one pass over the sixty)",
    up="share of new digits read correctly",
    alt="Two lines over 150 epochs. With careful labels it rises and stays. With hurried ones it rises at first, then "
    "falls for good.",
)

# %% [markdown]
# At first the network learns what most labels agree on. The odd ones come last: they can only be learned by heart.
# **Early stopping** watches the loss on the forty, which nothing is learned from, and keeps the epoch at which it was
# lowest.
#
# **C5** With hurried labels, the epoch that early stopping keeps reads at least 3 digits in every 100 more than the
# last one.

# %%
claim(
    "C5",
    stopped(hurried)["straight"],
    ">",
    hurried["straight"].iloc[-1],
    margin=0.03,
    says="with hurried labels, stopping early beats the last epoch",
)

# %%
reveal("sd-p5")

# %% [markdown]
# With careful labels there is nothing of this kind to be saved from: there early stopping moves the result by less
# than 3 in a hundred, up or down. What it saves in any case is time. And it has a price, the forty: they might have
# been learned from. In a recipe it is `patience=3`: stop after three epochs without a better result on `val`.

# %%
assert abs(stopped(careful)["straight"] - careful["straight"].iloc[-1]) < 0.03

# %% [markdown]
# ## Exercise (make): when to stop
#
# In practice one does not go on to the end to see where the lowest point was. Write `kept_epoch(losses, patience)`:
# `losses` are those on the forty, one an epoch. Go through them from the first; stop as soon as `patience` epochs in a
# row have brought no new lowest loss; return the place (from 0) of the lowest loss *seen until then*.


# %% solution="sd-stop"
### BEGIN SOLUTION
def kept_epoch(losses, patience):
    best = 0
    for epoch, loss in enumerate(losses):
        if loss < losses[best]:
            best = epoch
        if epoch - best >= patience:
            break
    return best


### END SOLUTION

# %% grade="sd-stop"
check("sd-stop", kept_epoch=kept_epoch)

# %% [markdown]
# ## Dropout
#
# The third brake: at each training step **dropout** puts half of the network's inner numbers out, others each time, so
# that none can rely on the rest. When it is asked, all are there. You have seen it in the table of the four ways: with
# careful labels it changed the column *straight* by less than 3 in a hundred. And with hurried ones?

# %%
with_dropout = course(hurry=True, dropout=0.5)

# %% tags=["nbval-ignore-output"]
say(
    f"Of a hundred new digits, after hurried labels: **{100 * hurried['straight'].iloc[-1]:.0f}** at the last epoch, "
    f"**{100 * with_dropout['straight'].iloc[-1]:.0f}** with dropout, **{100 * stopped(hurried)['straight']:.0f}** by "
    f"stopping early. With careful labels: **{100 * careful['straight'].iloc[-1]:.0f}** and no brake."
)

# %% [markdown]
# One brake is not better than another: each is against one kind of harm, and against labels that are wrong the best
# help is to correct them. Try them on images kept aside, one at a time, and keep what helps *there*.

# %% [markdown]
# ## Quiz
#
# [[question sd-q1]]

# %% solution="sd-q1"
### BEGIN SOLUTION
quiz("sd-q1", "c")
### END SOLUTION

# %% [markdown]
# [[question sd-q2]]

# %% solution="sd-q2"
### BEGIN SOLUTION
quiz("sd-q2", "b")
### END SOLUTION

# %% [markdown]
# [[question sd-q3]]

# %% solution="sd-q3"
### BEGIN SOLUTION
quiz("sd-q3", "a")
### END SOLUTION

# %% [markdown]
# ## What to take away
#
# - One small test can be far off by luck. Use folds, and say how far the results scatter.
# - Copies stay together. What will be new in practice must be new in the test.
# - Everything that looks at labels is learning, and belongs inside the fold.
# - Augmentation says what does not matter: it has to be true, and to turn up. Early stopping saves from learning errors
#   by heart, at the price of images to watch.
#
# **Limits.** Folds cost k trainings. With large networks one uses a fixed validation set, large enough that luck is
# small: with n test images and accuracy p, about √(p(1−p)/n). The network here is tiny and starts from nothing; a
# pre-trained one has less to learn by heart from few images, and gains less from such brakes.
#
# **Read on**
#
# - C. Ambroise, G. J. McLachlan, [Selection bias in gene extraction on the basis of microarray gene-expression
#   data](https://doi.org/10.1073/pnas.102102699), 2002: our failure case, found in published work.
# - S. Kaufman, S. Rosset, C. Perlich, [Leakage in data mining](https://doi.org/10.1145/2020408.2020496), 2011.
# - S. Kapoor, A. Narayanan, [Leakage and the reproducibility crisis in machine-learning-based
#   science](https://doi.org/10.1016/j.patter.2023.100804), 2023: leakage in 17 fields.
# - N. Srivastava and others, [Dropout: a simple way to prevent neural networks from
#   overfitting](https://jmlr.org/papers/v15/srivastava14a.html), 2014.
# - C. Zhang and others, [Understanding deep learning requires rethinking
#   generalization](https://arxiv.org/abs/1611.03530), 2016: networks learn labels that mean nothing by heart.
#
# Next: [07 · Choosing a backbone](07_choosing_a_backbone.ipynb)
