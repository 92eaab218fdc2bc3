# %% [markdown]
# # 11 · Semi-supervised learning: a few labels, many pictures
#
# **About 40 minutes** · runs in under a minute on one CPU core · no network needed · you need
# [lesson 03](03_feature_extraction.ipynb)
#
# After this lesson you can
#
# 1. use pictures that nobody has labelled, and say what must be true of them to be of use;
# 2. read FixMatch's two live numbers: how many answers count, and how many of those are right;
# 3. recognise a model that only confirms itself.
#
# This lesson proves three claims, **C1** to **C3**. The notebook stops if its own numbers do not bear them out.

# %% [markdown]
# ## Noor's box of slips
#
# Noor has found a box with almost two thousand slips of paper, a handwritten digit on each. Her grandfather, who wrote
# them, reads three of each digit out to her; then he falls asleep. Thirty slips have a name now. Diego would put the
# others back into the box. "They tell us nothing, nobody knows what they are." Noor starts laying them out on the
# floor, each beside those that look like it.

# %%
import numpy as np

import tlwidgets as tlw
from tlwidgets.exercises import check, claim, line_chart, picture, predict, quiz, reveal, say
from tlwidgets.exercises.experiments.semi_supervised import (
    FEW,
    explore_labels,
    gains,
    label_curve,
    pictures,
    recipe,
    self_taught,
    sure_and_all,
    two_readers,
)

# %%
data = pictures()
len(data.indices("train")), len(data.indices("unlabelled")), len(data.indices("test"))

# %% [markdown]
# Labelled, unlabelled, and put aside for testing. For the first experiment, which trains no network, the last two lie
# in one heap: all of them are scans without a name.

# %%
picture(data.show(20), alt="Twenty handwritten digits, white on black, eight by eight pixels each")

# %% [markdown]
# ## Predict
#
# [[question ss-p1]]

# %% solution="ss-p1"
### BEGIN SOLUTION
predict("ss-p1", "b", confidence=0.5)
### END SOLUTION

# %% [markdown]
# ## Run: labels that spread
#
# **Labels alone** is a support vector machine (like logistic regression, it draws borders between classes), trained on
# the pixels of the thirty labelled scans. **Spreading** joins each scan with its seven nearest ones. At first only the
# labelled ones believe something. Then, round after round, each takes over a part of what its neighbours believe, until
# nothing changes.

# %%
FEW

# %%
readers = two_readers()

# %% [markdown]
# **C1** Spreading names at least 3 scans in every 100 more.

# %%
claim(
    "C1",
    readers["spreading"],
    ">",
    readers["labels alone"],
    margin=0.03,
    says="scans without a label help to name each other",
)

# %%
reveal("ss-p1")

# %% [markdown]
# An unlabelled scan says nothing about names. But all of them together show where one kind of shape ends and the next
# begins; the three names then travel through the whole clump. Is it really the crowd that helps? Let us take it away:
# the same spreading, with only thirty unlabelled scans on the floor at a time.

# %%
thirty = two_readers(at_a_time=30)
worse = thirty["spreading"] < thirty["labels alone"]
worse

# %% [markdown]
# `True`: without the crowd, spreading is even worse than the labels alone. Gaps between the labelled scans stay open,
# and labels jump to whatever happens to be nearest.

# %% [markdown]
# ## Exercise (modify): one round
#
# `beliefs` is a table (N, C): what each row believes of each class. `neighbours` (N, k) holds the numbers of each row's
# neighbours. In this round every row believes what its neighbours believe, in the mean:


# %%
def only_neighbours(beliefs, neighbours):
    return beliefs[neighbours].mean(axis=1)


# %% [markdown]
# So it also forgets its own label, if it has one. `start` (N, C) holds what each row was given: 1 for its label, or
# nothing but zeros. Change the function into `hand_on(beliefs, neighbours, start, share)`: in the new table, `share` of
# each row comes from the mean of its neighbours' beliefs, and the rest from `start`.


# %% solution="ss-hand"
### BEGIN SOLUTION
def hand_on(beliefs, neighbours, start, share):
    return share * beliefs[neighbours].mean(axis=1) + (1 - share) * start


### END SOLUTION

# %% grade="ss-hand"
check("ss-hand", hand_on=hand_on)

# %% [markdown]
# `tlwidgets.methods.label_spreading.spread` repeats this until it settles (with neighbours weighted by how many others
# they have). Its features may be pixels, or those of any network.
#
# ## Explore

# %%
counts = [1, 2, 5, 20]
curve = label_curve(counts)  # the mean of three draws of the labels

# %%
line_chart(
    counts,
    {name: curve[name] for name in curve},
    across="labelled scans of each digit (axis spaced by ratio)",
    up="share of the others named correctly",
    alt="Two rising lines over the number of labels: spreading lies above the labels alone, by most at two and at five "
    "of each digit; at twenty they have nearly met.",
    log=True,
)

# %%
explorer = explore_labels(curve)
explorer

# %% [markdown]
# What does a label more of each digit do to the *gain*, and how much is that a matter of which scans had the label?

# %%
by_count = curve["spreading"] - curve["labels alone"]
one_of_each = gains(1)
bool(by_count[20] < by_count[5]), bool(max(one_of_each) - min(one_of_each) > 0.05)

# %% [markdown]
# `True` twice. With twenty of each little is left to gain: the labels show the shape of the crowd by themselves. And
# with *one* of each the gain varies from draw to draw by more than 5 in a hundred: a single odd scan misleads its whole
# clump.

# %% [markdown]
# ## A network that listens to itself, carefully
#
# Spreading needs no training, but its picture of "alike" is fixed. A network can learn what is alike. **FixMatch**
# does it in three lines, at each step:
#
# 1. look at an unlabelled picture, changed a little; what does the network say?
# 2. if it is *sure* (a probability of at least 0.9, here), take the answer for a label;
# 3. show the same picture changed *much*, and ask for that label.
#
# So two numbers tell how it goes: the **mask rate**, which share of pictures is answered surely enough to count, and
# the share of those answers that is right. (We can measure the second only because these labels are hidden, not
# missing.) Both stand in the dashboard's table while it runs:

# %%
session = tlw.TrainingSession(recipe("fixmatch"))
dashboard = tlw.TrainingDashboard(session)
dashboard

# %%
run = session.start().wait()

# %%
epochs = run.history["epoch"]
line_chart(
    epochs,
    {"mask rate": run.history["mask_rate"], "right among those": run.history["pseudo_accuracy"]},
    across="epoch",
    up="share of unlabelled pictures",
    alt="Two lines over the epochs: the mask rate starts near zero and climbs to about half, while the share of "
    "right answers among those that count stays high throughout.",
)

# %% [markdown]
# At first it is sure of nothing, so it learns from the labels alone. Then more and more pictures join in.
#
# ## Exercise (make): only the sure ones
#
# `beliefs` is a table (N, C) of probabilities. Write `sure_ones(beliefs, threshold)`: the places (row numbers) of the
# rows whose most probable class has at least that probability, and the class of each of *those*.


# %% solution="ss-sure"
### BEGIN SOLUTION
def sure_ones(beliefs, threshold):
    sure = beliefs.max(axis=1) >= threshold
    return np.flatnonzero(sure), beliefs.argmax(axis=1)[sure]


### END SOLUTION

# %% grade="ss-sure"
check("ss-sure", sure_ones=sure_ones)

# %% [markdown]
# **C2** Of its sure answers, at least 5 in every 100 more are right than of all its answers.

# %%
answers = sure_and_all(run.backbone, data)
claim("C2", answers["sure"], ">", answers["all"], margin=0.05, says="sure answers are right more often")

# %% [markdown]
# That is what the threshold is for. Was it worth it? The same network, the same recipe, the labelled pictures alone:

# %% tags=["nbval-ignore-output"]
alone = tlw.fit(recipe("fine_tuning"), progress=False)
say(
    f"Of a hundred new pictures: labels alone **{100 * alone.metrics['test']['accuracy']:.0f}**, with FixMatch "
    f"**{100 * run.metrics['test']['accuracy']:.0f}**."
)

# %%
worth_it = bool(run.metrics["test"]["accuracy"] > alone.metrics["test"]["accuracy"])
worth_it

# %% [markdown]
# Not here, with seed 0 and four dozen steps. Somewhat longer runs of another recipe gained next to nothing (five seeds;
# the docstring of `tlwidgets/methods/fixmatch.py` has the figures). One likely reason: most pictures of each step are
# now hard views of unlabelled pictures, while the network still has the labelled ones to learn. The paper trains for a
# million steps. **A method that is right in a paper still has to be measured on your data, beside the labels alone.**

# %% [markdown]
# ## When it fails: a choir of one voice
#
# Why be so careful? Why not take *all* answers for labels, learn from them, answer again, and so on?
#
# [[question ss-p2]]

# %% solution="ss-p2"
### BEGIN SOLUTION
predict("ss-p2", "b", confidence=0.5)
### END SOLUTION

# %%
taught = self_taught()

# %%
line_chart(
    taught.index,
    {"how sure it is": taught["sure"], "how often it is right": taught["right"]},
    across="round of learning from its own labels",
    up="share",
    alt="Two lines over the rounds: how sure the model is jumps up after the first round and stays there, how often it "
    "is right stays flat.",
)

# %% [markdown]
# **C3** After six rounds it is surer than right by at least 10 in 100, and right about as often as before.

# %%
first, last = taught.iloc[0], taught.iloc[-1]
assert abs(last["right"] - first["right"]) < 0.02  # and hardly any better, or worse, than it was
claim(
    "C3",
    last["sure"],
    ">",
    last["right"],
    margin=0.1,
    says="a model that teaches itself is surer than it is right",
)

# %%
reveal("ss-p2")

# %% tags=["nbval-ignore-output"]
say(
    f"Before: right in **{100 * first['right']:.0f}** of a hundred, sure to **{100 * first['sure']:.0f}** %. "
    f"After: right in **{100 * last['right']:.0f}**, sure to **{100 * last['sure']:.0f}** %."
)

# %% [markdown]
# *This* model, fitted to all of its own answers, comes out where it was; only the doubts are gone. (Self-training can
# help where only sure answers are kept, or the views change.) This is **confirmation bias**. It is dangerous because it
# looks like success: the loss falls, the model gets surer. FixMatch holds against it with doubt (the threshold) and
# with something new (the strong view must be *worked* for). And even so: keep labelled pictures aside, and judge by
# those alone.

# %% [markdown]
# ## Quiz
#
# [[question ss-q1]]

# %% solution="ss-q1"
### BEGIN SOLUTION
quiz("ss-q1", "b")
### END SOLUTION

# %% [markdown]
# [[question ss-q2]]

# %% solution="ss-q2"
### BEGIN SOLUTION
quiz("ss-q2", "a")
### END SOLUTION

# %% [markdown]
# [[question ss-q3]]

# %% solution="ss-q3"
### BEGIN SOLUTION
quiz("ss-q3", "b")
### END SOLUTION

# %% [markdown]
# ## What to take away
#
# - Pictures without labels help where pictures of a class form a clump. Names then travel through the clump.
# - Learn from your own answers only where you are sure, and only from a harder view.
# - A model that has become surer need not have become better. Judge by labels that it never saw.
#
# **Limits.** The scans are clean, every class is equally frequent, and every picture shows one of the ten digits. In a
# real heap there are pictures of something else, and confident nonsense about them spreads as well. On the features of
# our network spreading does *not* help: a simple model on them is better (`benchmarks/results/methods.md`).
#
# **Read on**
#
# - D. Zhou and others, [Learning with local and global
#   consistency](https://papers.nips.cc/paper/2003/hash/87682805257e619d49b8e0dfdc14affa-Abstract.html), 2004: label
#   spreading. Its network of neighbours is weighted, ours counts the seven nearest.
# - D.-H. Lee, Pseudo-label, ICML workshop, 2013: taking answers for labels, with a weight that grows slowly.
# - K. Sohn and others, [FixMatch](https://arxiv.org/abs/2001.07685), 2020; with a threshold of 0.95, seven unlabelled
#   pictures for each labelled one, and many more kinds of strong views.
# - E. Arazo and others, [Pseudo-labeling and confirmation bias](https://arxiv.org/abs/1908.02983), 2020.
#
# Next: [**12 · Multi-task learning**](12_multi_task.ipynb)
