# %% [markdown]
# # 08 · Negative transfer, its rescue, and building on a skill
#
# **About 40 minutes** · runs in under a minute on one CPU core · no network needed · you need
# [lesson 03](03_feature_extraction.ipynb)
#
# After this lesson you can
#
# 1. say exactly what *negative transfer* is, and test for it;
# 2. find the part of a network that does the harm, and keep the rest;
# 3. use one skill as a step of another: *vertical* transfer.
#
# This lesson proves three claims, **C1** to **C3**. The notebook stops if its own numbers do not bear them out.

# %% [markdown]
# ## The joker's pupil
#
# Samir's uncle is a joker. He taught Samir to read digits, and taught him well, but with one twist: he calls every
# digit by the *next* one's name. A 3 is "four", a 9 is "nought". Samir recognises any digit at once, and always says
# the wrong thing. Then he comes to school, where he gets five digits of each kind with their right names. His
# neighbour Elif has never seen a digit; she gets the same fifty.
#
# After a short lesson, who reads better?

# %%
import numpy as np

from tlwidgets.exercises import check, claim, picture, predict, quiz, reveal, say
from tlwidgets.exercises.experiments.learning_rates import digits
from tlwidgets.exercises.experiments.negative_transfer import STEPS, draw_pairs, explore_starts, sums, three_starts

# %% [markdown]
# [[question nt-p1]]

# %% solution="nt-p1"
### BEGIN SOLUTION
predict("nt-p1", "a", confidence=0.6)
### END SOLUTION

# %% [markdown]
# ## Run
#
# Three starts, then the same few steps (`STEPS`) on the same fifty labels:
#
# - **target only** is Elif: the same kind of head, with the same steps, on bare pixels, so no source at all;
# - **old head** is Samir: the pre-trained network, and the head that the joker taught;
# - **new head**: the same network, but with its head thrown away.

# %%
STEPS, digits().splits["train"]

# %%
starts = three_starts()

# %% [markdown]
# **C1** With the old head at least 20 digits in every 100 fewer are read correctly than without any transfer.

# %%
claim(
    "C1",
    starts["target only"],
    ">",
    starts["old head"],
    margin=0.2,
    says="the old head is worse than not transferring at all",
)

# %%
reveal("nt-p1")

# %% [markdown]
# This is **negative transfer**, in the only sense that can be tested: *worse than learning from the target alone*,
# with the same steps. Not "a bad score", and not "worse than hoped for". Without the target-only learner beside it,
# nobody could say whether Samir's result is good or bad.
#
# ## The rescue
#
# Is the whole network bad? Samir *sees* the digits perfectly well. It is only the names.
#
# [[question nt-p3]]

# %% solution="nt-p3"
### BEGIN SOLUTION
predict("nt-p3", "b", confidence=0.5)
### END SOLUTION

# %% [markdown]
# **C2** The same network with a new head reads at least 4 digits in every 100 more than without transfer.

# %%
claim(
    "C2",
    starts["new head"],
    ">",
    starts["target only"],
    margin=0.04,
    says="the same network with a new head is better than not transferring",
)

# %%
reveal("nt-p3")

# %% tags=["nbval-ignore-output"]
say("Of a hundred new digits: " + ", ".join(f"{name} **{100 * value:.0f}**" for name, value in starts.items()) + ".")

# %% [markdown]
# From the worst to the best by throwing something away! What does harm is rarely the whole network. It sits where the
# source was most special, as a rule at the end (you saw the stages part ways in
# [lesson 02](02_looking_inside.ipynb)). So before a source is given up: keep less of it.
#
# Harm need not be as loud as a joker's. In [lesson 03](03_feature_extraction.ipynb) the network had learned to look
# past colour, and lost to a *random* network when the ink was wanted: negative transfer as well, and there a new head
# and a few labels did not help, because the harm sat in the very first stage.
#
# Does harm last? Move the slider: more steps give the old head time to unlearn.

# %%
explorer = explore_starts([5, 20, 100, 500, 2000])
explorer

# %%
later = three_starts(steps=2000)
assert later["new head"] > later["old head"] > later["target only"]

# %% [markdown]
# After two thousand steps the old head has unlearned the wrong names, and reads more than the learner on pixels. So a
# verdict holds for so many steps and so many labels; and throwing the head away was quicker, and is still ahead.

# %% [markdown]
# ## Exercise (make): a verdict on transfer
#
# Write `verdict(transfer, target_only, luck)`. The first two are accuracies, `luck` says how far such a difference may
# be off by luck. Return `"positive"`, `"negative"` or `"none"` (when luck may have made the difference).


# %% solution="nt-verdict"
### BEGIN SOLUTION
def verdict(transfer, target_only, luck):
    gain = transfer - target_only
    return "positive" if gain > luck else "negative" if gain < -luck else "none"


### END SOLUTION

# %% grade="nt-verdict"
check("nt-verdict", verdict=verdict)

# %% [markdown]
# `tlw.compare(recipe)` gives such a verdict on any recipe, with intervals over seeds and images.

# %% [markdown]
# ## Building on a skill
#
# So far source and target were tasks of about the same height: *lateral* transfer. **Vertical** transfer is when one
# skill is a *step* of another, as counting is for adding. Here each picture shows two digits, and the label is their
# sum:

# %%
import tlwidgets as tlw

pairs = tlw.load_data("pairs")
picture(
    draw_pairs(pairs), alt="Ten wide pictures, each with two handwritten digits side by side and their sum as title"
)

# %% [markdown]
# [[question nt-p2]]

# %% solution="nt-p2"
### BEGIN SOLUTION
predict("nt-p2", "a", confidence=0.5)
### END SOLUTION

# %% [markdown]
# Three ways to the sum, on the same test pictures:
#
# - **pixels** and **features**: a simple model on the whole picture, with 200 labelled *sums*;
# - **by digits**: a simple model that learned *single digits* (300 labelled scans that are in no test picture) reads
#   the left half and the right half; their probabilities are added up to those of the sum. It gets no labelled sum at
#   all.

# %%
ways = sums()
commonest = float(np.bincount(pairs.labels).max() / len(pairs.labels))

# %% [markdown]
# **C3** By way of the digits at least 40 sums in every 100 more are named correctly than by the better of the other
# two.

# %%
claim(
    "C3",
    ways["by digits"],
    ">",
    max(ways["pixels"], ways["features"]),
    margin=0.4,
    says="reading the digits first names more sums",
)

# %%
reveal("nt-p2")

# %% tags=["nbval-ignore-output"]
say(
    "Of a hundred sums: "
    + ", ".join(f"{name} **{100 * value:.0f}**" for name, value in ways.items())
    + f"; who always gives the commonest sum is right **{100 * commonest:.0f}** times."
)

# %% [markdown]
# Look at what the label 9 asks of the direct way: 0 and 9, 4 and 5, 7 and 2 are pictures that have nothing in common
# but their label. The network's features are fine for digits; what was missing is the *step in between*. Knowing which
# skills a task is made of can be worth more than many further labels; we gave the direct way 200.

# %% [markdown]
# ## Exercise (make): from two digits to their sum
#
# `left` and `right` are tables (N, 10): for each picture the probability of each digit. The reader is not always sure,
# so `left.argmax(axis=1) + right.argmax(axis=1)` would throw away what else it thought possible. Write
# `add_up(left, right)`: a table (N, 19) with the probability of each sum from 0 to 18, over *all* pairs of digits.


# %% solution="nt-add"
### BEGIN SOLUTION
def add_up(left, right):
    total = np.zeros((len(left), 19))
    for one in range(10):
        for other in range(10):
            total[:, one + other] += left[:, one] * right[:, other]
    return total


### END SOLUTION

# %% grade="nt-add"
check("nt-add", add_up=add_up)

# %% [markdown]
# ## When it fails
#
# A chain is as strong as its weakest step. What if the reader of digits learned from labels that mean nothing?

# %%
broken = sums(shuffled=True)
fewer = broken["by digits"] < ways["features"]
fewer

# %% [markdown]
# `True`: it names fewer sums than a model on features of the whole picture, though the adding is perfect. Its errors
# are handed on, and the adding cannot know. Who builds on a borrowed skill should test that skill *by itself*, on the
# target's own pictures, before anything is built on it.

# %% [markdown]
# ## Quiz
#
# [[question nt-q1]]

# %% solution="nt-q1"
### BEGIN SOLUTION
quiz("nt-q1", "b")
### END SOLUTION

# %% [markdown]
# [[question nt-q2]]

# %% solution="nt-q2"
### BEGIN SOLUTION
quiz("nt-q2", "b")
### END SOLUTION

# %% [markdown]
# [[question nt-q3]]

# %% solution="nt-q3"
### BEGIN SOLUTION
quiz("nt-q3", "a")
### END SOLUTION

# %% [markdown]
# ## What to take away
#
# - Negative transfer means: worse than learning from the target alone, with the same care. So train that one too.
# - Do not throw a network away because its end does harm. Keep less of it.
# - Ask which skills a task is made of; a borrowed skill in the right place can be worth many labels.
#
# **Limits.** The joker is a made-up case, chosen because the harm is easy to see and to find. In practice it is
# smaller, and the comparison needs several seeds before one may speak of it.
#
# **Read on**
#
# - M. T. Rosenstein and others, To transfer or not to transfer, NIPS workshop on inductive transfer, 2005: the question
#   of this lesson.
# - Z. Wang and others, [Characterizing and avoiding negative transfer](https://arxiv.org/abs/1811.09751), 2019: the
#   definition that we test.
# - R. Manhaeve and others, [DeepProbLog](https://arxiv.org/abs/1805.10872), 2018: adding digits in pictures, with the
#   step in between written as a rule; there the digits are learned from the sums alone.
#
# Next: [09 · Domain adaptation](09_domain_adaptation.ipynb)
