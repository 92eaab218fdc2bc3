# %% [markdown]
# # 09 · Transductive: domain adaptation
#
# **About 45 minutes** · runs in under a minute on one CPU core · no network needed · you need
# [lesson 03](03_feature_extraction.ipynb)
#
# After this lesson you can
#
# 1. repair a change of the images without a single new label, in one line;
# 2. let a network adapt while it trains, and choose among several without labels, knowing how far to trust the choice;
# 3. see when adapting does harm, and correct for changed shares of the classes.
#
# This lesson proves five claims, **C1** to **C5**. The notebook stops if its own numbers do not bear them out.

# %% [markdown]
# ## A second laboratory
#
# Amara's laboratory reads handwritten numbers off sample tubes with a camera. All images of the last years have a
# label: somebody looked, and typed. Now a second laboratory opens, with another camera. Each of its pixels is brighter
# or darker than it should be, too eager or too dull. The digits are the same; the images are not. And nobody will
# ever type labels again.
#
# There are labels in the **source** domain and none in the **target** domain, and the target's images are at hand
# while we learn. That is called *transductive* transfer, or unsupervised domain adaptation.

# %%
from matplotlib.figure import Figure

import tlwidgets as tlw
from tlwidgets.evaluation.model_selection import choices, compare_without_labels
from tlwidgets.exercises import check, claim, line_chart, picture, predict, quiz, reveal, say
from tlwidgets.exercises.experiments.domain_adaptation import (
    WAYS,
    explore_shifts,
    grey,
    laboratories,
    named,
    only_two,
    reader,
    reading_curve,
    readings,
    trained,
)
from tlwidgets.methods import adabn

# %%
old, new = laboratories()
figure = Figure(figsize=(6.4, 1.7))
for row, data in enumerate((old, new)):
    for column, image in enumerate(data.images(data.indices("train")[:10])):
        axes = figure.add_subplot(2, 10, 10 * row + column + 1)
        axes.imshow(image)
        axes.set(xticks=[], yticks=[], ylabel="" if column else ("old", "new")[row])
picture(
    figure,
    alt="Two rows of ten small handwritten digits. In the upper row they are bright on black; in the lower row, from "
    "the new sensor, they can hardly be made out behind a pattern of spots that is the same in every image.",
)

# %% [markdown]
# ## Predict
#
# [[question da-p1]]

# %% solution="da-p1"
### BEGIN SOLUTION
predict("da-p1", "c", confidence=0.5)
### END SOLUTION

# %% [markdown]
# ## Run: three ways to read the new laboratory
#
# A simple model (logistic regression on the 64 pixels) learns from the old laboratory's labels and reads the new
# laboratory's test images,
#
# - **as they are**;
# - with **CORAL**: the old images are recoloured first, so that their covariance (how every pixel varies with every
#   other) becomes the new one's;
# - with each laboratory's **own numbers**: every pixel of the old images is brought to mean 0 and spread 1, and every
#   pixel of the new images as well, each by its own.
#
# The last one in full:

# %%
(x, y), (u, _), (v, z) = grey(old, "train"), grey(new, "train"), grey(new, "test")
model = reader().fit(adabn.standardise(x), y)
nine_of_ten = model.score(adabn.standardise(v, like=u), z) > 0.9
nine_of_ten

# %%
found = readings()

# %% [markdown]
# **C1** With each laboratory's own numbers at least 20 digits in every 100 more are read than from the images as they
# are.

# %%
claim(
    "C1",
    found["own numbers"],
    ">",
    found["as they are"],
    margin=0.2,
    says="standardising each laboratory by itself beats the images as they are",
)

# %% [markdown]
# **C2** And at least 6 in every 100 more than with CORAL.

# %%
claim("C2", found["own numbers"], ">", found["CORAL"], margin=0.06, says="standardising each by itself beats CORAL")

# %%
reveal("da-p1")

# %% tags=["nbval-ignore-output"]
say("Of a hundred new digits: " + ", ".join(f"{name} **{100 * value:.0f}**" for name, value in found.items()) + ".")

# %% [markdown]
# `new labels` is what the same model reaches, on the pixels as they are, if somebody *has* labelled the new
# laboratory's training images. Does the one line without labels come near?

# %%
even_better = bool(found["own numbers"] > found["new labels"])
even_better

# %% [markdown]
# It does even better.
#
# Why is the cleverer method worse? A sensor that changes each pixel by a gain and an offset changes means and spreads,
# 128 numbers in all, and standardising undoes exactly that. CORAL leaves the means where they are, and has to estimate
# two thousand covariances from a few hundred images. **The simplest repair that fits the cause wins.**

# %%
curve = reading_curve()
line_chart(
    list(curve.index),
    {way: list(curve[way]) for way in WAYS},
    across="change of the sensor (1: a gain and an offset for each pixel)",
    up="new digits read correctly",
    alt="Three lines that start together where the sensor has not changed. Own numbers stay level to the end, CORAL "
    "falls somewhat, the images as they are fall far.",
)

# %%
explorer = explore_shifts(curve)
explorer

# %% [markdown]
# ## Exercise (modify): whose ruler?
#
# This function scales both laboratories, but with the old one's ruler:


# %%
def by_the_old(old, new):
    mean, spread = old.mean(axis=0), old.std(axis=0) + 1e-9
    return (old - mean) / spread, (new - mean) / spread


# %% [markdown]
# Change it into `each_by_itself(old, new)`, which returns the two tables, each scaled by its own numbers, pixel by
# pixel. A pixel may never vary; it shall become 0.


# %% solution="da-own"
### BEGIN SOLUTION
def each_by_itself(old, new):
    return [(rows - rows.mean(axis=0)) / (rows.std(axis=0) + 1e-9) for rows in (old, new)]


### END SOLUTION

# %% grade="da-own"
check("da-own", each_by_itself=each_by_itself)

# %% [markdown]
# ## The same inside a network: AdaBN
#
# A network has such rulers built in. Each BatchNorm layer keeps the mean and the variance that its channels had during
# training, and measures every image by them. In the third laboratory there is fog on the lens. We fine-tune a network
# on clear digits, and then do nothing but count those means and variances anew on foggy images, layer by layer. No
# weight learns, no label is used:

# %%
clear, foggy = laboratories("fog")
run = trained("fog")
adapted = adabn.adapt(run.backbone, foggy.images(foggy.indices("train")))

# %% [markdown]
# **C3** So adapted, the network reads at least 25 foggy digits in every 100 more.

# %%
claim("C3", named(adapted, foggy), ">", named(run.backbone, foggy), margin=0.25, says="AdaBN lifts the fog")

# %% [markdown]
# ## Explore: pull two domains apart
#
# Here a pre-trained network, which learns nothing more, describes two hundred digits with labels (dots, the source) and
# two hundred others without (crosses, the target). Each description is a row of numbers; the picture shows the two
# directions in which the rows differ most. A classifier learns from the dots alone, and the sentence says how many of
# each domain it names.
#
# Move the sliders, then switch the adaptation on. What does *standardise* do to the crosses? Which changes can it undo
# almost completely, and which one only in part? Is CORAL ever better?

# %%
domains = tlw.Domains("digits")
domains.shift(contrast=0.2, brightness=-0.3)
domains

# %% [markdown]
# The same in code: `domains.shift(noise=0.3)`, `domains.adapt_by("standardise")`, `domains.target_accuracy`.
#
# Noise drowns details, and no ruler brings them all back. A lower contrast leaves them there, in other units, and so
# does another brightness until it runs into black or white.

# %% [markdown]
# ## Adapting while the network learns
#
# What if the change is more than a gain and an offset for each channel? Then the features themselves have to become the
# same in both laboratories. Deep **CORAL** makes their covariances alike. **MMD** compares whole distributions by how
# alike pairs of images are, within a laboratory and across. **DANN** trains a second head that tries to tell the
# laboratories apart, and the features to foil it. All see the old images with labels and the new images without, and
# each is one recipe:

# %%
recipe = tlw.Recipe(data=old, epochs=3, method="mmd", method_options={"target": new})

# %% [markdown]
# We train four networks, one without a view of the new *sensor* and three with one:

# %%
names = {"source only": "", "CORAL": "coral", "DANN": "dann", "MMD": "mmd"}
runs = {name: trained("sensor", method=method) for name, method in names.items()}

# %% [markdown]
# ## Choosing without labels
#
# Which of them shall go to the new laboratory? "The one that reads most of the new digits" cannot be answered without
# new labels. What can be known:
#
# - `source_accuracy`: validation on *old* images; `weighted_accuracy`: the same, with old images that look like new
#   ones counting more;
# - `entropy`: how unsure a network is of the new images (lower is better); `information`: sure of each, and *varied*
#   over all of them (higher is better).
#
# Beside them stands the **oracle**, the accuracy on the new laboratory's test images. In a course we have it. In life
# nobody does.

# %%
without_labels = compare_without_labels(runs, new, old)

# %% tags=["nbval-ignore-output"]
without_labels.round(2)

# %%
choices(without_labels).loc[["entropy", "information"], "run"]

# %% [markdown]
# Cover the last column and choose. Validation on old images can hardly tell the four apart, and why should it: it never
# saw the new sensor. Entropy takes the network that is the *surest*, and that is the one that never saw the new sensor
# either: it is the least unsure of the four, and the most often wrong. Information asks for variety too, and finds the
# best of the four. It is no oracle: a network that names every 3 an 8 and every 8 a 3 loses nothing by it.
#
# And how good is that best one? Let us put AdaBN beside it, on the network that saw nothing of the new laboratory:

# %%
counted_anew = adabn.adapt(runs["source only"].backbone, new.images(new.indices("train")))

# %% [markdown]
# **C4** AdaBN, which learns nothing, names at least 8 in every 100 more of the new sensor's digits than MMD.

# %%
claim(
    "C4",
    named(counted_anew, new),
    ">",
    without_labels["oracle"]["MMD"],
    margin=0.08,
    says="AdaBN, which learns nothing, beats MMD",
)

# %% [markdown]
# And do MMD, CORAL and DANN help at all? How near do the networks come to the simple model on standardised pixels?

# %%
oracle = without_labels["oracle"]
all_three_help = oracle.drop("source only").min() > oracle["source only"]
none_is_near = max(oracle.max(), named(counted_anew, new)) < found["own numbers"] - 0.2
bool(all_three_help), bool(none_is_near)

# %% [markdown]
# They do help: all three read more than the network with no view of the new laboratory. But once more the repair that
# fits the cause does better than the general one. And none comes near the simple model on standardised pixels: this
# sensor has another gain for each *pixel*, and a network's first filters mix neighbouring pixels before anybody
# standardises anything.

# %% [markdown]
# ## When it fails: the classes come in other shares
#
# Everything so far took for granted that both laboratories see the ten digits in like shares. Now the sensor is the
# old one again, but today only **3s and 8s** come.
#
# [[question da-p2]]

# %% solution="da-p2"
### BEGIN SOLUTION
predict("da-p2", "a", confidence=0.5)
### END SOLUTION

# %%
today = only_two()

# %% [markdown]
# **C5** Standardised by its own numbers, at least 20 in every 100 of today's digits are read *less* than with the old
# numbers: adapting is worse than doing nothing.

# %%
claim(
    "C5",
    today["old numbers"],
    ">",
    today["own numbers"],
    margin=0.2,
    says="when only two classes come, standardising by their own numbers does harm",
)

# %%
reveal("da-p2")

# %% [markdown]
# Whoever aligns domains says: *all that differs between them is the sensor.* Here the classes differ, and the method
# "repairs" them: what all 3s and 8s have in common is taken for the sensor and removed. AdaBN, MMD and DANN share this
# blind spot, each in its own way, because none of them can see a label.
#
# ## The right tool for it
#
# When only the shares of the classes change, the pictures of a 3 still look as they did. Then this is **label shift**,
# and its cure needs no new features at all, only the new shares. They can be estimated without a label: start with the
# old shares, correct the answers for them, take the mean answer as the new shares, and repeat until nothing moves
# (that is EM).

# %%
today["EM"] >= today["old numbers"], round(today["estimated"], 1)

# %% [markdown]
# `True`: it reads no fewer than before, and it found out that all of today's digits are 3s and 8s. `label_shift.adapt`
# does the same for a trained run.
#
# EM trusts the answers' *probabilities*. Where a model is never sure, or always too sure, it can run off to a single
# class; so look at the estimated shares and ask whether they can be true.
#
# ## Exercise (make): correct for other shares
#
# Write `corrected(answers, before, today)`. `answers` is a table (N, C) with the probability of each class for each
# image, from a model that learned with the shares `before`; `today` holds the shares of today (both (C,), adding up to
# 1). Return the table as it should be today.


# %% solution="da-shares"
### BEGIN SOLUTION
def corrected(answers, before, today):
    weighed = answers * today / before
    return weighed / weighed.sum(axis=1, keepdims=True)


### END SOLUTION

# %% grade="da-shares"
check("da-shares", corrected=corrected)

# %% [markdown]
# ## Quiz
#
# [[question da-q1]]

# %% solution="da-q1"
### BEGIN SOLUTION
quiz("da-q1", "b")
### END SOLUTION

# %% [markdown]
# [[question da-q2]]

# %% solution="da-q2"
### BEGIN SOLUTION
quiz("da-q2", "b")
### END SOLUTION

# %% [markdown]
# [[question da-q3]]

# %% solution="da-q3"
### BEGIN SOLUTION
quiz("da-q3", "c")
### END SOLUTION

# %% [markdown]
# ## What to take away
#
# - Target images without labels are worth a lot: they show *what* changed.
# - Ask what kind of change it is, and take the simplest repair that fits. Standardising each domain by itself costs one
#   line, and is the baseline for everything cleverer.
# - All of it rests on an assumption that no label checks. Where the mix of classes changes, aligning does harm; then
#   correct for the shares instead.
# - Before you believe a choice that was made without labels, get a few labels, if only for testing.
#
# **Limits.** The networks here train for a minute on four hundred small images; MMD, DANN and CORAL were made for
# larger ones and longer runs, and their options were not tuned. Figures for all methods on more worlds, with five
# seeds each, are in `tests/methods/test_adaptation_learning.py` and in the docstrings of `tlwidgets/methods/`.
#
# **Read on**
#
# - B. Sun, J. Feng, K. Saenko, [Return of frustratingly easy domain adaptation](https://arxiv.org/abs/1511.05547),
#   2016: CORAL, on features of a deep network; here on bare pixels.
# - Y. Li and others, [Revisiting batch normalization for practical domain
#   adaptation](https://arxiv.org/abs/1603.04779), 2016: AdaBN.
# - M. Long and others, [Learning transferable features with deep adaptation
#   networks](https://arxiv.org/abs/1502.02791), 2015: MMD; Y. Ganin and others, [Domain-adversarial training of neural
#   networks](https://arxiv.org/abs/1505.07818), 2016: DANN.
# - Z. C. Lipton, Y.-X. Wang, A. Smola, [Detecting and correcting for label shift](https://arxiv.org/abs/1802.03916),
#   2018.
# - K. Musgrave, S. Belongie, S.-N. Lim, [Three new validators](https://arxiv.org/abs/2208.07360), 2022: choosing
#   without target labels.
#
# Next: [10 · Clustering](10_clustering.ipynb)
