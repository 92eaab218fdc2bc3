# %% [markdown]
# # 06 · Small data: how to judge when there is little to judge by
#
# **About 45 minutes** · runs in a few seconds on one CPU core · no network needed · you need lesson 01
#
# After this lesson you can
#
# 1. say how far one test result may be off by luck, and make it steadier with *k-fold cross-validation*;
# 2. find *leakage*: a test that knows the answers;
# 3. split pictures so that copies stay together, by hand and with tlwidgets.
#
# This lesson proves three claims, **C1** to **C3**. The notebook stops if its own numbers do not bear them out. No
# network is trained here: what is said of judging holds for every model, so a quick one will do.

# %% [markdown]
# ## Twenty pictures to be judged by
#
# Mira has a hundred labelled digits now. She trains on eighty, tests on the other twenty, and reads off a number.
# Her brother does the same with the same hundred images, only shuffled differently. They get different numbers, and
# quarrel.

# %%
import numpy as np

from tlwidgets.exercises import check, claim, line_chart, predict, quiz, reveal, say
from tlwidgets.exercises.experiments.small_data import (
    copied_digits,
    five_folds,
    hundred_digits,
    nearest_neighbour,
    one_split,
    pick_then_test,
)

# %%
X, y = hundred_digits()
X.shape, y.shape

# %% [markdown]
# A hundred images, each a row of 64 pixels. Twenty shuffles, twenty results:

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
    alt="Two lines over twenty shuffles. That of single splits jumps up and down; that of five folds is nearly level.",
)

# %% [markdown]
# Nothing differs from left to right but the shuffle: the same images, the same model. A **single split** tests
# twenty images, and one image more or less is already five in a hundred.
#
# **Five folds** use the images better. Deal them into five heaps; test on each heap in turn after training on the
# other four; take the mean. Every image is tested once.
#
# **C1** The result of a single split scatters more than twice as much as the mean of five folds.

# %%
claim(
    "C1", np.std(single), ">", 2 * np.std(folds), says="a single split scatters more than twice as much as five folds"
)

# %% tags=["nbval-ignore-output"]
say(
    f"The single splits ranged from **{min(single):.2f}** to **{max(single):.2f}**, the five-fold means from "
    f"**{min(folds):.2f}** to **{max(folds):.2f}**."
)

# %% [markdown]
# Folds do not make a hundred images into a thousand. They take away the luck of the *shuffle*. The luck of *which
# hundred* images Mira happened to have stays.

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
# the same thing five times. The labels mean nothing: a coin was tossed for each picture.
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
    "pictures chance takes a result easily a tenth to either side of it."
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
# go best with the labels, and *then* run five folds, properly stratified and shuffled:

# %%
picked_first = pick_then_test()
picked_inside = pick_then_test(inside=True)

# %% [markdown]
# **C3** Noise looks predictable when the columns are picked with all rows in view: at least 30 in every 100 better
# than guessing.

# %%
claim("C3", picked_first, ">", 0.5, margin=0.3, says="picking columns before splitting beats guessing, on noise")

# %% tags=["nbval-ignore-output"]
say(f"Picked first: **{picked_first:.2f}**. Picked inside each fold: **{picked_inside:.2f}**. The truth: 0.50.")

# %% [markdown]
# The picking had already seen the rows that were tested later. Whatever looks at labels (picking columns, choosing
# a learning rate, choosing the best epoch) is part of learning, and belongs *inside* the fold.

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
# - One small test is mostly luck. Use folds, and say how far the results scatter.
# - Copies stay together. What will be new in practice must be new in the test.
# - Everything that looks at labels is learning, and belongs inside the fold.
#
# **Limits.** Folds cost k trainings. With large networks one uses a fixed validation set, large enough that luck is
# small: with n test images and accuracy p, about √(p(1−p)/n).
#
# **Read on**
#
# - C. Ambroise, G. J. McLachlan, [Selection bias in gene extraction on the basis of microarray gene-expression
#   data](https://doi.org/10.1073/pnas.102102699), 2002: our failure case, found in published work.
# - S. Kaufman, S. Rosset, C. Perlich, [Leakage in data mining](https://doi.org/10.1145/2020408.2020496), 2011.
# - S. Kapoor, A. Narayanan, [Leakage and the reproducibility crisis in machine-learning-based
#   science](https://doi.org/10.1016/j.patter.2023.100804), 2023: leakage in 17 fields.
#
# Next: [07 · Choosing a backbone](07_choosing_a_backbone.ipynb)
