# %% [markdown]
# # 16 · Self-supervised pretraining: practice before anybody names anything
#
# **About 45 minutes** · runs in under a minute on one CPU core · no network needed · you need
# [lesson 03](03_feature_extraction.ipynb)
#
# After this lesson you can
#
# 1. pretrain a network on pictures that nobody has labelled, and judge what it is worth;
# 2. say what two *views* of a picture must share, and what must differ;
# 3. notice when such practice does not help, before you rely on it.
#
# This lesson proves three claims, **C1** to **C3**. The notebook stops if its own numbers do not bear them out.

# %% [markdown]
# ## The sorting office
#
# Amina's letters arrive under a shaky camera: each shows one handwritten digit, but somewhere on a large, grainy
# square, never in the same place. She has hundreds of such pictures and time to label twenty of each digit. Lucía says:
# "Then only those can teach your network anything." Amina is not so sure. She cannot tell the network what a
# picture shows. But she can show it the *same* letter twice, moved a little, and say: these two are the same one.

# %%
import numpy as np

import tlwidgets as tlw
from tlwidgets.exercises import check, claim, line_chart, picture, predict, quiz, reveal, say
from tlwidgets.exercises.experiments.self_supervised import (
    EPOCHS,
    alike_neighbours,
    explore_labels,
    fine_tuned,
    label_curve,
    pictures,
    pretrained,
    read_by,
    show_views,
)
from tlwidgets.exercises.experiments.small_networks import small_network

# %%
canvases = pictures()
len(canvases.indices("train")), len(canvases.indices("unlabelled")), len(canvases.indices("test"))

# %% [markdown]
# Labelled, unlabelled, and put aside for testing. Below, eight canvases, and two kinds of *views* of them: **weak**
# ones, shifted and turned a little, and **strong** ones, changed much and with a square hole.

# %%
picture(
    show_views(),
    alt="Three rows of eight small grey pictures. Above, digits at various places on noise; in the middle the same, "
    "shifted and turned a little; below turned and shifted far, each with a flat square hole that may cover a "
    "part of the digit or all of it.",
)

# %% [markdown]
# ## A question that needs no label
#
# Take 64 pictures and draw two views of each. Show the network all 128 and ask of each view: *which of the other 127
# is your partner?* To answer, the network must describe the two views of a picture alike and those of others
# differently. That is **contrastive learning**; the recipe with exactly this question is called **SimCLR**.
#
# How wrong the answers are can be written as one number. For each view the network gives a row of likenesses to
# candidates; the partner is one of them.
#
# ## Exercise (make): the contrastive loss
#
# `similar` is a table (N, N): how alike first view `i` and second view `j` are. The partner of `i` is `i`, on the
# diagonal. Write `contrast(similar)`: turn each row into probabilities (`exp`, then divide by the row's sum), take the
# partner's probability `p`, and return the mean of `-log(p)`.


# %% solution="sv-contrast"
### BEGIN SOLUTION
def contrast(similar):
    powers = np.exp(similar)
    shares = powers / powers.sum(axis=1, keepdims=True)
    return -np.log(np.diag(shares)).mean()


### END SOLUTION

# %% grade="sv-contrast"
check("sv-contrast", contrast=contrast)

# %% [markdown]
# The real one looks at both views of all pictures in the same table; otherwise this is it.
#
# ## Predict
#
# [[question sv-p1]]

# %% solution="sv-p1"
### BEGIN SOLUTION
predict("sv-p1", "c", confidence=0.6)
### END SOLUTION

# %% [markdown]
# ## Run
#
# A small network with *random* weights practises on the canvases. As a recipe:

# %%
recipe = tlw.Recipe(
    data=pictures(labels_per_class=None),
    backbone=small_network(),
    pretrained=False,
    method="simclr",
    method_options={"view": "weak"},
    epochs=EPOCHS["canvas_digits"],
    batch_size=64,
    learning_rate=3e-3,
    backbone_scale=1.0,
)

# %% [markdown]
# `tlw.fit(recipe)` would run it. `pretrained()` does just that and keeps the run for later cells. The labels take no
# part: they only train a head beside the network, by which you can watch how the features grow.

# %%
run = pretrained()
first, last = run.history["contrast"].iloc[[0, -1]]
falls = bool(last < first)
falls

# %% [markdown]
# `True`: it finds partners better at the end than after the first epoch. That proves nothing yet. Are the features
# good for what Amina wants? Three descriptions of the labelled canvases, the same simple model on each
# (as in [lesson 03](03_feature_extraction.ipynb)):

# %%
found = read_by()

# %% [markdown]
# **C1** With twenty labels of each digit, features learned *without* labels name at least 8 canvases in every 100
# more than the better of pixels and random features.

# %%
claim(
    "C1",
    found["pretrained"],
    ">",
    max(found["pixels"], found["random"]),
    margin=0.08,
    says="features learned without labels beat pixels and random features",
)

# %%
reveal("sv-p1")

# %% [markdown]
# ## Explore: how many labels?

# %%
counts = [2, 5, 10, 20]
curve = label_curve(counts)

# %%
line_chart(
    counts,
    {name: curve[name] for name in curve},
    across="labelled canvases of each digit (axis spaced by ratio)",
    up="share of new canvases named correctly",
    alt="Three lines over the number of labels: pixels stay flat near a tenth, the random network rises slowly, the "
    "pre-trained network lies highest and rises.",
    log=True,
)

# %%
explorer = explore_labels(curve)
explorer

# %% [markdown]
# ## What did it learn? Ask the neighbours
#
# A description can be judged without any model on top: look who stands *nearest*. By pixels that is mostly a canvas
# with ink in the same place, whatever its digit.
#
# ## Exercise (modify): who stands nearest?
#
# How many rows have one with the same label as their nearest? This function makes a table (N, N) of all squared
# distances and takes the place of the smallest in each row:


# %%
def too_good(rows, labels):
    distances = ((rows[:, None] - rows) ** 2).sum(axis=2)
    return (labels == labels[distances.argmin(axis=1)]).mean()


too_good(np.random.default_rng(0).normal(size=(100, 5)), np.arange(100)).item()

# %% [markdown]
# A hundred rows of noise, and no label comes twice: the share must be 0. The function makes any description look
# perfect. Why? Change it into `same_share(rows, labels)`: the share of rows whose nearest *other* row has the same
# label.


# %% solution="sv-near"
### BEGIN SOLUTION
def same_share(rows, labels):
    distances = ((rows[:, None] - rows) ** 2).sum(axis=2)
    np.fill_diagonal(distances, np.inf)
    return (labels == labels[distances.argmin(axis=1)]).mean()


### END SOLUTION

# %% grade="sv-near"
check("sv-near", same_share=same_share)

# %% [markdown]
# Here is that share for the three descriptions of new canvases (each number brought to the same scale first).

# %%
near = alike_neighbours()

# %% [markdown]
# **C2** By the practised network's features, at least 8 canvases in every 100 more stand next to one of the same digit
# than by the random network's.

# %%
claim(
    "C2",
    near["pretrained"],
    ">",
    near["random"],
    margin=0.08,
    says="practice brings canvases of the same digit together",
)

# %% [markdown]
# Nobody told it what a digit is. It only had to recognise each canvas again, and found that place and turn are no help
# in that, while shape is.
#
# ## What makes views good?
#
# The network learns whatever two views of a picture *share*, and learns to look past whatever *differs*. So the views
# say what matters. **Views must keep what you will ask for, and change all else.** Look at the picture above once more.
# The weak views keep the digit, and move it a little. The strong ones move it far, which is good; but where the hole
# covers it, the two views have nothing in common but noise and brightness. With photographs such holes are harmless, a
# piece of a dog is still a dog. (`read_by(view="strong")` measures it here: worse with most seeds, better with some. So
# we claim nothing. Which views suit is a question to your data, as the number of layers is.)

# %% [markdown]
# ## When it fails
#
# Now the plain scans: the same digits, centred, without noise. The same practice, for about as many steps. On canvases
# it was worth a lot, compared with pixels.
#
# [[question sv-p2]]

# %% solution="sv-p2"
### BEGIN SOLUTION
predict("sv-p2", "b", confidence=0.5)
### END SOLUTION

# %%
scans = read_by("digits")
gain_on_canvases = found["pretrained"] - found["pixels"]
gain_on_scans = scans["pretrained"] - scans["pixels"]

# %% [markdown]
# **C3** What the practice gains over pixels is by at least 25 in every 100 less on scans than on canvases.

# %%
claim(
    "C3",
    gain_on_canvases,
    ">",
    gain_on_scans,
    margin=0.25,
    says="on centred scans most of the gain over pixels is gone",
)

# %%
reveal("sv-p2")

# %% tags=["nbval-ignore-output"]
say(
    "Of a hundred, by pixels, random and practised network: canvases "
    + ", ".join(f"**{100 * value:.0f}**" for value in found.values())
    + "; scans "
    + ", ".join(f"**{100 * value:.0f}**" for value in scans.values())
    + "."
)

# %% [markdown]
# It learned something here too: look at the random network. But nothing that *pixels* did not give for free: here was
# little to look past, each pixel has its place, and the simple model can use it. The loss fell just as nicely. **A
# falling loss of a made-up task says nothing about yours.** Compare with pixels and with a random network, on labels,
# every time.
#
# ## One run is no evidence
#
# The practice leaves a *network*, so it can be fine-tuned, too: a run's folder is the name of a backbone,
# `backbone="run:<folder>"`. Both below learn from the same *three* labels of each digit, by the same recipe, for the
# same number of steps; one starts from the practice, one from random weights.

# %%
with_practice = fine_tuned()
from_scratch = fine_tuned(from_pretrained=False)

# %% tags=["nbval-ignore-output"]
say(
    f"Of a hundred new canvases: from scratch **{100 * from_scratch:.0f}**, "
    f"after practice **{100 * with_practice:.0f}**."
)

# %% [markdown]
# A great success? It is seed 0. Run both for other seeds, `fine_tuned(1)` and `fine_tuned(2)` against the same with
# `from_pretrained=False` (a minute or two): how much is left of it, and does it keep its sign? So there is no claim
# about fine-tuning in this lesson: one run, however nice, is no evidence. Why might practice help so little here? The
# training from scratch shifts and turns its few pictures too (`augmentation="light"`), and that is the very thing that
# the views had taught.

# %% [markdown]
# ## Quiz
#
# [[question sv-q1]]

# %% solution="sv-q1"
### BEGIN SOLUTION
quiz("sv-q1", "c")
### END SOLUTION

# %% [markdown]
# [[question sv-q2]]

# %% solution="sv-q2"
### BEGIN SOLUTION
quiz("sv-q2", "b")
### END SOLUTION

# %% [markdown]
# [[question sv-q3]]

# %% solution="sv-q3"
### BEGIN SOLUTION
quiz("sv-q3", "a")
### END SOLUTION

# %% [markdown]
# ## What to take away
#
# - A network can practise without labels, on a question that the pictures answer themselves.
# - Views say what matters: what both keep is learned, what differs is forgotten.
# - Judge the features on the task, beside pixels and a random network. The practice's own loss is no evidence.
#
# **Limits.** Some hundred pictures and about a hundred steps; the papers use a million pictures and days of computing.
# One random network is a yardstick with luck of its own: two of them may differ by several in a hundred.
# Other questions, `method="vicreg"`, `"rotation"` and `"masked_images"`, stand in the same place of the recipe; their
# descriptions say how they do on these canvases.
#
# **Read on**
#
# - T. Chen and others, [A simple framework for contrastive learning](https://arxiv.org/abs/2002.05709), 2020: SimCLR,
#   and which views work for photographs. Their batches are 64 times ours.
# - Y. Tian and others, [What makes for good views for contrastive learning?](https://arxiv.org/abs/2005.10243), 2020:
#   share what the task needs, and no more.
# - A. Bardes, J. Ponce, Y. LeCun, [VICReg](https://arxiv.org/abs/2105.04906), 2022: the same without strangers to push
#   away.
# - S. Gidaris, P. Singh, N. Komodakis, [Predicting image rotations](https://arxiv.org/abs/1803.07728), 2018: another
#   question that costs no label.
#
# Next: [**18 · Text**](18_text.ipynb)
