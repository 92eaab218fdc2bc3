# %% [markdown]
# # 03 · Feature extraction: a network that only describes
#
# **About 40 minutes** · runs in under a minute on one CPU core · no network needed · you need
# [lesson 01](01_what_transfers.ipynb)
#
# After this lesson you can
#
# 1. use a frozen network as a *describer*: each image becomes a row of numbers, computed once;
# 2. put a simple model on top and compare it with honest baselines;
# 3. say what a description may leave out, and notice when it does.
#
# This lesson proves three claims, **C1** to **C3**. The notebook stops if its own numbers do not bear them out.

# %% [markdown]
# ## Ten torn photographs
#
# Leyla is four and has discovered tearing. Ten photographs from her brother's drawer (a brick wall, a lawn, the moon,
# a heap of coins ...) are now hundreds of little scraps, and they have been through a copier that made all of them
# equally bright. Yusuf wants to know which scrap belongs to which photograph. He has sorted five scraps of each by
# hand. The computer is to do the rest.

# %%
import numpy as np

from tlwidgets.exercises import check, claim, line_chart, picture, predict, quiz, reveal, say
from tlwidgets.exercises.experiments.describing import described, linear_model, network
from tlwidgets.exercises.experiments.feature_extraction import (
    explore_labels,
    label_curve,
    notes,
    scraps,
    three_descriptions,
)

# %%
data = scraps(labels_per_class=5)
data.splits

# %%
picture(data.show(20), alt="Twenty small grey squares with the texture of brick, grass, gravel, coins and the like")

# %% [markdown]
# ## A description of an image
#
# Fifty labelled scraps are few for training a network. But a network can be of use without any training: show it an
# image, and take what stands in front of its old head. That is a row of numbers, the image's **features**.

# %%
backbone = network("tlw_resnet")
labelled = data.images(data.indices("train"))
features = backbone.features(labelled)
features.shape

# %% [markdown]
# Fifty scraps, 192 numbers each. What was a picture is now a row in a table, and for tables there are simple models
# that need few examples. **Feature extraction** is just this: a frozen network describes, a simple model decides.
#
# The network does not change, so each image needs to go through it *once*. After that, fitting the model takes a
# moment, as often as you like.

# %%
answers = data.labels[data.indices("train")]
model = linear_model().fit(features, answers)
model.score(features, answers)

# %% [markdown]
# `1.0`: it names all fifty that it learned from. That says nothing; what counts is scraps that it has not seen.

# %% [markdown]
# ## Predict
#
# Is the network worth anything here? It learned letters, scribbles, shapes and drawn textures, never a photograph.
# We compare three descriptions, with the same model on top of each: the **pixels** as they are, the features of a
# **random** network of the same shape, and those of the **pretrained** one.
#
# [[question fe-p1]]

# %% solution="fe-p1"
### BEGIN SOLUTION
predict("fe-p1", "c", confidence=0.5)
### END SOLUTION

# %% [markdown]
# ## Run

# %%
measured = {"scrap": three_descriptions(data)}

# %% [markdown]
# **C1** With five labels for each photograph, frozen features name at least 35 scraps in every 100 more correctly than
# pixels do.

# %%
claim(
    "C1",
    measured["scrap"]["pretrained"],
    ">",
    measured["scrap"]["pixels"],
    margin=0.35,
    says="frozen features beat pixels",
)

# %% [markdown]
# That alone could be the shape of the network and not its learning. So the second claim is the important one:
#
# **C2** They name at least 12 in every 100 more than the features of a random network.

# %%
claim(
    "C2",
    measured["scrap"]["pretrained"],
    ">",
    measured["scrap"]["random"],
    margin=0.12,
    says="frozen features beat those of a random network",
)

# %%
reveal("fe-p1")

# %% [markdown]
# ## Why?
#
# A pixel says how bright it is at *one place*. On a scrap of lawn no blade of grass has a fixed place, so no pixel
# means anything by itself, and a simple model on pixels is left guessing. A network looks for the same small pattern
# *everywhere* and reports how much of it there is. A random network does so with random patterns, a pre-trained one
# with patterns that turned out useful before: edges, corners, stripes, dots.

# %% [markdown]
# ## Explore
#
# How much does one more label bring? No network is trained for this, so it takes seconds.

# %%
counts = [1, 2, 5, 10, 20]
curve = label_curve(counts)

# %%
line_chart(
    counts,
    {name: curve[name] for name in curve},
    across="labelled scraps of each photograph (axis spaced by ratio)",
    up="share of new scraps named correctly",
    alt="Three lines over the number of labels: pixels stay flat near a tenth, the random network rises slowly, the "
    "pre-trained network lies highest and rises.",
    log=True,
)

# %%
explorer = explore_labels(curve)
explorer

# %% [markdown]
# ## Exercise (make): a model of your own
#
# Logistic regression is one choice for the model on top. Here is a simpler one that people often forget: sum up each
# class by the **mean** of its labelled rows, and give a new row the label of the nearest mean (by squared distance).
# Write it. `train` is a table (N, D), `labels` has N labels, `test` is a table (M, D); return M labels.


# %% solution="fe-means"
### BEGIN SOLUTION
def nearest_mean(train, labels, test):
    classes = np.unique(labels)
    means = np.stack([train[labels == each].mean(axis=0) for each in classes])
    distances = ((test[:, None] - means) ** 2).sum(axis=2)
    return classes[distances.argmin(axis=1)]


### END SOLUTION

# %% grade="fe-means"
check("fe-means", nearest_mean=nearest_mean)

# %% [markdown]
# The mean row of a class is called its *prototype*; in the lesson on few-shot learning you will meet it again.

# %% [markdown]
# ## When it fails
#
# Leyla has also found four pens. She writes digits on slips of paper, each in red, green, blue or ochre. Now Yusuf
# can ask two different questions about one and the same slip: which *digit* is it, and which *ink* is it?

# %%
slips = notes("ink")
picture(slips.show(16), alt="Sixteen handwritten digits on white, written in red, green, blue and ochre ink")

# %% [markdown]
# [[question fe-p2]]

# %% solution="fe-p2"
### BEGIN SOLUTION
predict("fe-p2", "a", confidence=0.6)
### END SOLUTION

# %%
measured["digit"] = three_descriptions(notes("digit"))
measured["ink"] = three_descriptions(slips)

# %% [markdown]
# **C3** Asked for the ink, the features of the *random* network name at least 20 slips in every 100 more correctly
# than those of the pre-trained one.

# %%
claim(
    "C3",
    measured["ink"]["random"],
    ">",
    measured["ink"]["pretrained"],
    margin=0.2,
    says="where the ink is wanted, random features beat pre-trained ones",
)

# %%
reveal("fe-p2")

# %% tags=["nbval-ignore-output"]
say(
    "Out of a hundred slips, by pixels, random network and pre-trained network: the digit "
    + ", ".join(f"**{100 * value:.0f}**" for value in measured["digit"].values())
    + "; the ink "
    + ", ".join(f"**{100 * value:.0f}**" for value in measured["ink"].values())
    + "."
)

# %% [markdown]
# The pre-trained network saw each letter in many colours, and the right answer was always the same. So it learned to
# look past colour: that is what makes it good at the digit and poor at the ink. **What the source taught it to ignore
# is only faint in the description**: with five labels of each ink a simple model often misses it. Would more labels dig
# it out?

# %%
many = described(notes("ink", labels_per_class=80), backbone).read()
assert many > measured["ink"]["pretrained"] + 0.2

# %% [markdown]
# With eighty labels of each ink it names at least 20 slips in every 100 more, as the line above asserts. That is a lot
# of labels for something that everybody sees. A network that is *fine-tuned* needs far fewer, and that is the next
# lesson.

# %% [markdown]
# ## Exercise (read off): a description for each question
#
# `measured` holds the accuracy of the three descriptions for the questions `"scrap"`, `"digit"` and `"ink"`. Make
# `choice`: a dictionary with the name of the best description for each question, such as
# `{"scrap": "pixels", "digit": "pixels", "ink": "pixels"}`.

# %% solution="fe-choose"
### BEGIN SOLUTION
choice = {task: max(found, key=found.get) for task, found in measured.items()}
### END SOLUTION

# %% grade="fe-choose"
check("fe-choose", choice=choice, measured=measured)

# %% [markdown]
# ## Quiz
#
# [[question fe-q1]]

# %% solution="fe-q1"
### BEGIN SOLUTION
quiz("fe-q1", "b")
### END SOLUTION

# %% [markdown]
# [[question fe-q2]]

# %% solution="fe-q2"
### BEGIN SOLUTION
quiz("fe-q2", "a")
### END SOLUTION

# %% [markdown]
# [[question fe-q3]]

# %% solution="fe-q3"
### BEGIN SOLUTION
quiz("fe-q3", "a")
### END SOLUTION

# %% [markdown]
# ## What to take away
#
# - A frozen network turns images into rows of numbers, once. A simple model on top learns from a handful of labels.
# - Always compare with pixels *and* with a random network of the same shape: the second tells what learning gave.
# - A description holds what its source needed. What the source ignored may be faint in it.
#
# **Limits.** The scraps of one photograph are lit alike and taken on one day, so this is an easy kind of sorting.
# Choosing the best of three descriptions by test images, as in the exercise, is fine for learning; for a result to be
# reported, choose on other images ([lesson 06](06_small_data.ipynb)).
#
# **Read on**
#
# - J. Donahue and others, [DeCAF: a deep convolutional activation feature](https://arxiv.org/abs/1310.1531), 2013:
#   the paper that made frozen features popular. Its network is far larger than ours, the idea the same.
# - A. S. Razavian and others, [CNN features off-the-shelf](https://arxiv.org/abs/1403.6382), 2014: one frozen network,
#   a simple model, a dozen tasks.
# - A. Saxe and others, [On random weights and unsupervised feature
#   learning](https://ai.stanford.edu/~ang/papers/icml11-RandomWeights.pdf), 2011: why random networks are not nothing.
#
# Next: [04 · Fine-tuning and the freeze board](04_freeze_board.ipynb)
