# %% [markdown]
# # 02 · Looking inside: what each stage knows
#
# **About 45 minutes** · runs in under a minute on one CPU core · no network needed · you need
# [lesson 01](01_what_transfers.ipynb)
#
# After this lesson you can
#
# 1. look at the first filters of a network and say what they look *at*, and what they look past;
# 2. measure what each stage knows, with a *probe*;
# 3. compare two networks stage by stage, and not be fooled by too few images.
#
# This lesson proves four claims, **C1** to **C4**. The notebook stops if its own numbers do not bear them out.

# %% [markdown]
# ## Ana and the radio
#
# When Ana was nine she took her grandfather's radio apart. Not to repair it, it worked; she wanted to know which part
# did what. She learned most by holding a loudspeaker to one place after another: here it hums, here it crackles, here
# there is a voice already.
#
# We do the same with a network. Three specimens lie on the table, all of the same make: `tlw_resnet`, which learned
# letters, scribbles, shapes and textures; a **pen** specialist, which learned letters and scribbles only; and a
# **texture** specialist. And a fourth that nobody taught anything.

# %%
import numpy as np
import pandas as pd

from tlwidgets.exercises import check, claim, line_chart, picture, predict, quiz, reveal, say
from tlwidgets.exercises.experiments.describing import network, some_tests
from tlwidgets.exercises.experiments.looking_inside import (
    PEN,
    TEXTURE,
    colour_share,
    draw_filters,
    explore_stages,
    first_filters,
    five_labels,
    likeness,
    probes,
    unrelated,
)

# %%
networks = {
    "all-round": network("tlw_resnet"),
    "pen": network(PEN),
    "texture": network(TEXTURE),
    "random": network("tlw_resnet", pretrained=False),
}
[stage.name for stage in networks["pen"].stages]

# %% [markdown]
# ## The first filters
#
# The very first layer slides small windows over the picture, three by three pixels, and multiplies what it sees by
# fixed numbers: a **filter**. Each filter has such numbers for red, green and blue, so it can be drawn as a tiny
# picture of what it answers to most strongly.

# %%
picture(
    draw_filters(networks),
    alt="Four rows of six tiny coloured squares of nine fields. In the three trained rows many have a dark and a "
    "bright side, and the colours are as a rule paler; the random row is gaudy, without any order.",
)

# %% [markdown]
# Many of the trained filters have a dark side and a bright side: they answer to an edge. And their colours are paler
# than those of the random row, which is confetti. But the eye is easily led; let us count. A filter with the same
# number for red, green and blue sees grey only. How much of their strength do these filters spend on telling colours
# apart? Weights drawn at random spend two thirds of it.
#
# **C1** The first filters of the trained all-round network spend a share on colour that is smaller than that of random
# ones by at least 0.3.

# %%
share = {name: colour_share(first_filters(each)) for name, each in networks.items()}
claim("C1", share["random"], ">", share["all-round"], margin=0.3, says="learned first filters look less at colour")

# %%
say("Share spent on colour: " + ", ".join(f"{name} **{value:.2f}**" for name, value in share.items()) + ".")

# %% [markdown]
# In its lessons the same letter came in any colour, so colour was of no use, and the filters let it go. Keep that in
# mind: it will matter in [lesson 03](03_feature_extraction.ipynb).

# %% [markdown]
# ## Predict, with probes
#
# Filters further up cannot be drawn so easily: they look at answers of other filters. So we hold a loudspeaker to each
# stage: a **probe**. It is a simple model (logistic regression) that gets what one stage hands on, averaged over the
# picture, and has to name the digit, with five labels of each.
#
# [[question look-p1]]

# %% solution="look-p1"
### BEGIN SOLUTION
predict("look-p1", "a", confidence=0.4)
### END SOLUTION

# %% [markdown]
# ## Run

# %%
digits = five_labels("digits")
on_digits = pd.DataFrame({name: probes(each, digits) for name, each in networks.items()})

# %%
line_chart(
    range(len(on_digits)),
    {name: on_digits[name] for name in on_digits},
    across="stage, from the input to the last before the head",
    up="share of new digits read by its probe",
    alt="Four lines over five stages. All-round and pen rise steeply to the last; texture and random rise little.",
    names=list(on_digits.index),
)

# %% [markdown]
# **C2** On the last stage of the all-round network the probe reads at least 20 digits in every 100 more than on the
# stem.

# %%
claim(
    "C2",
    on_digits["all-round"]["stage4"],
    ">",
    on_digits["all-round"]["stem"],
    margin=0.2,
    says="the last stage tells digits apart better than the stem",
)

# %%
reveal("look-p1")

# %% [markdown]
# The random network has the same stages and rises by less than half as much: most of the rise is *learned*. And the
# texture specialist, though it was taught, rises even less: what it was taught is not what digits ask for.

# %%
rises = on_digits.loc["stage4"] - on_digits.loc["stem"]
assert rises["texture"] < rises["random"] < rises["all-round"] / 2

# %%
explorer = explore_stages(on_digits)
explorer

# %% [markdown]
# ## Predict: do they see alike?
#
# [[question look-p2]]

# %% solution="look-p2"
### BEGIN SOLUTION
predict("look-p2", "b", confidence=0.6)
### END SOLUTION

# %% [markdown]
# ## Run, and measure likeness
#
# Two networks cannot be compared number by number: what is column 5 in one may be column 90 in the other, or spread
# over ten. **CKA** (centred kernel alignment) asks something else: do both find the *same images* similar to each
# other? It is 1 where they do and about 0 where they have nothing in common.

# %%
images = digits.images(some_tests(digits))
alike = likeness(networks["pen"], networks["texture"], images)

# %% tags=["nbval-ignore-output"]
pd.Series(alike, name="pen and texture").round(2)

# %% [markdown]
# **C3** The two specialists are more alike at the stem than at the last stage, by at least 0.35.

# %%
claim(
    "C3",
    alike["stem"],
    ">",
    alike["stage4"],
    margin=0.35,
    says="two specialists are more alike at the stem than at the end",
)

# %%
reveal("look-p2")

# %% [markdown]
# General first, special last: that is why early stages can be borrowed for nearly anything, and why it is the late
# ones that one replaces or lets learn.

# %% [markdown]
# ## Exercise (make): measure likeness yourself
#
# Write `cka(one, other)`. Both are tables with a row for each image, (N, D) and (N, E). Take the mean off every
# column; then, with ‖·‖² the sum of all squared entries of a table,
#
# $$\text{cka} = \frac{\|X^T Y\|^2}{\sqrt{\|X^T X\|^2 \cdot \|Y^T Y\|^2}}$$
#
# In NumPy `X.T @ Y` is the product, and `(table**2).sum()` the sum of squares.


# %% solution="look-cka"
### BEGIN SOLUTION
def cka(one, other):
    one, other = one - one.mean(axis=0), other - other.mean(axis=0)
    common = ((one.T @ other) ** 2).sum()
    return common / np.sqrt(((one.T @ one) ** 2).sum() * ((other.T @ other) ** 2).sum())


### END SOLUTION

# %% grade="look-cka"
check("look-cka", cka=cka)

# %% [markdown]
# ## When it fails: likeness out of nothing
#
# Here are two "networks" that describe each image by 192 numbers drawn at random. They have nothing in common. The
# first number is CKA as you wrote it, the second a corrected (*unbiased*) estimate, which we used above:

# %%
[round(number, 1) for number in unrelated(images=20)]

# %% [markdown]
# With twenty images, noise looks nine tenths alike! Twenty points in 192 directions can be matched with nearly
# anything.
#
# **Exercise (modify).** Change the number of images. How many does it take until plain CKA of noise falls below 0.4?
# Answer to within a factor of two: with half as many it should still be above.

# %% solution="look-images"
### BEGIN SOLUTION
images = 320
### END SOLUTION

# %% grade="look-images"
check("look-images", images=images)

# %% [markdown]
# ## When it fails: too deep
#
# "The last stage knows most." For digits it did. Now the pen specialist looks at scraps of torn photographs, of grass,
# bricks and gravel, which are not drawn with a pen:

# %%
pen_on_scraps = probes(networks["pen"], five_labels("grey_patches"))

# %% tags=["nbval-ignore-output"]
pd.Series(pen_on_scraps, name="pen specialist on scraps").round(2)

# %% [markdown]
# **C4** On scraps, the probe on its second stage names at least 12 in every 100 more than the one on its last stage.

# %%
claim(
    "C4",
    pen_on_scraps["stage2"],
    ">",
    pen_on_scraps["stage4"],
    margin=0.12,
    says="for scraps, the pen specialist's middle beats its end",
)

# %% [markdown]
# Its last stages have become so good at pen strokes that they tell gravel from grass worse than its middle does.
# When source and target are far apart, the best place to tap a network may lie halfway up.

# %% [markdown]
# ## Quiz
#
# [[question look-q1]]

# %% solution="look-q1"
### BEGIN SOLUTION
quiz("look-q1", "b")
### END SOLUTION

# %% [markdown]
# [[question look-q2]]

# %% solution="look-q2"
### BEGIN SOLUTION
quiz("look-q2", "b")
### END SOLUTION

# %% [markdown]
# [[question look-q3]]

# %% solution="look-q3"
### BEGIN SOLUTION
quiz("look-q3", "b")
### END SOLUTION

# %% [markdown]
# ## What to take away
#
# - Early stages hold what serves everybody; late stages hold what the source asked for.
# - A probe tells what can be read off a stage. It tells neither what was taught there nor what is used.
# - Before you believe a likeness, ask what noise would score.
#
# **Limits.** Averaging over the picture favours late stages, whose filters see wide areas; a probe that kept the
# places would read more off the early ones. These networks have five stages; large ones have dozens of layers, and
# the rise is as a rule slower.
#
# **Read on**
#
# - M. D. Zeiler, R. Fergus, [Visualizing and understanding convolutional
#   networks](https://arxiv.org/abs/1311.2901), 2013: what filters further up respond to.
# - G. Alain, Y. Bengio, [Understanding intermediate layers using linear classifier
#   probes](https://arxiv.org/abs/1610.01644), 2016.
# - S. Kornblith, M. Norouzi, H. Lee, G. Hinton, [Similarity of neural network representations
#   revisited](https://arxiv.org/abs/1905.00414), 2019: CKA. The unbiased estimate is used in T. Nguyen, M. Raghu, S.
#   Kornblith, [Do wide and deep networks learn the same things?](https://arxiv.org/abs/2010.15327), 2020.
# - J. Yosinski and others, [How transferable are features in deep neural
#   networks?](https://arxiv.org/abs/1411.1792), 2014: general first, special last.
#
# Next: [03 · Feature extraction](03_feature_extraction.ipynb)
