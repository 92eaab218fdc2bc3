# %% [markdown]
# # 07 · Choosing a backbone
#
# **About 40 minutes** · runs in under a minute on one CPU core · no network needed · you need
# [lesson 03](03_feature_extraction.ipynb)
#
# After this lesson you can
#
# 1. rank networks for your data in seconds, without training any;
# 2. put a score beside chance, and say what it is worth;
# 3. say when an order is not to be trusted, and what to do then.
#
# This lesson proves four claims, **C1** to **C4**. The notebook stops if its own numbers do not bear them out.

# %% [markdown]
# ## Kofi at the lending library
#
# Kofi may borrow one book for the weekend. There are five on the shelf, all thick. He has no time to read them before
# he chooses, so he opens each at a few places and asks himself: does this speak of what I want to know?
#
# On our shelf stand four pre-trained networks and one that never learned anything. And two jobs wait: reading
# **digits**, and sorting **scraps** of torn photographs, with ten labels of each class. Which network shall be
# borrowed for which job?

# %%
import numpy as np
import pandas as pd

import tlwidgets as tlw
from tlwidgets.exercises import check, claim, picture, predict, quiz, reveal, say
from tlwidgets.exercises.experiments.choosing import (
    SHELF,
    explore_networks,
    gaps_of,
    probed,
    ranked,
    rows_of,
)

# %%
SHELF

# %% [markdown]
# The *pen* specialist learned letters and scribbles only, the *texture* specialist drawn textures only; *all-round*
# and *transformer* learned both and more. In the picker one can search all that this machine could load:

# %%
picker = tlw.BackbonePicker("tlw_resnet")
picker

# %% [markdown]
# ## Predict
#
# [[question cb-p1]]

# %% solution="cb-p1"
### BEGIN SOLUTION
predict("cb-p1", "a", confidence=0.5)
### END SOLUTION

# %% [markdown]
# ## Run: a look instead of a training
#
# Each network describes a hundred labelled images, once. Then **LogME** asks: how plausible are these labels, if they
# came from a simple model on these descriptions? Averaged over all such models, plausible and less plausible ones. The
# higher, the better. Nothing is trained.

# %%
on_digits = ranked("digits")
on_scraps = ranked("scraps")

# %% [markdown]
# **C1** For digits, the pen specialist's LogME is above the texture specialist's by at least 0.1.

# %%
digits, scraps = rows_of(on_digits, "logme"), rows_of(on_scraps, "logme")
claim(
    "C1",
    digits["value"]["pen"],
    ">",
    digits["value"]["texture"],
    margin=0.1,
    says="for digits, LogME puts the pen specialist above the texture specialist",
)

# %% [markdown]
# **C2** For scraps it is the other way round, by at least 0.04.

# %%
claim(
    "C2",
    scraps["value"]["texture"],
    ">",
    scraps["value"]["pen"],
    margin=0.04,
    says="for scraps, LogME puts the texture specialist above",
)

# %%
reveal("cb-p1")

# %%
explorer = explore_networks(pd.DataFrame({"digits": digits["value"], "scraps": scraps["value"]}))
explorer

# %% [markdown]
# **There is no best backbone.** There is one whose source is near to your target.
#
# ## A number needs company
#
# There are many such scores, each on a scale of its own. Here is another one, TransRate, for the all-round network on
# digits, and beside it what it gives when the labels are *shuffled*, so that there is nothing to see.
#
# [[question cb-p2]]

# %% solution="cb-p2"
### BEGIN SOLUTION
predict("cb-p2", "a", confidence=0.5)
### END SOLUTION

# %% tags=["nbval-ignore-output"]
rate = rows_of(on_digits, "transrate").loc["all-round"]
say(f"TransRate with the true labels: **{rate['value']:.0f}**. With shuffled labels: **{rate['null']:.0f}**.")

# %% [markdown]
# **C3** Labels that mean nothing score at least nine tenths of the true ones.

# %%
claim("C3", rate["null"], ">", 0.9 * rate["value"], says="shuffled labels score nine tenths of TransRate")

# %%
reveal("cb-p2")

# %% [markdown]
# Nearly all of that proud number is there for nothing: with more features than images, any labels look as if they were
# neatly apart. The score need not be useless, its *differences* may still mean something. But by itself it says
# nothing, and the same goes for every score: ask what chance would get.
#
# ## Exercise (make): what chance would score
#
# Write `chance(score, features, labels, repeats)`. `score(features, labels)` gives a number; return a list of
# `repeats` such numbers, each for the same features and the same labels *dealt out anew* at random.


# %% solution="cb-chance"
### BEGIN SOLUTION
def chance(score, features, labels, repeats):
    draw = np.random.default_rng(0)
    return [score(features, draw.permutation(labels)) for _ in range(repeats)]


### END SOLUTION

# %% grade="cb-chance"
check("cb-chance", chance=chance)

# %% [markdown]
# `rank_backbones` does this for every score, and draws what chance gets beside it: 95 of 100 shufflings score less than
# the upright stroke. Each picture has the scale of its score; further right is better.

# %%
picture(
    on_scraps.plot(),
    alt="LogME and TransRate of five networks on scraps, each a dot with a bar. For LogME all lie to the right of what "
    "shuffled labels give, the bars of the first ones overlapping; for TransRate dots and strokes nearly coincide.",
)

# %% [markdown]
# ## Exercise (make): who cannot be told from the first?
#
# The bars are 95 % *intervals*: how far the score would move with other images of the same kind. It is tempting to say
# that two networks are tied where their bars overlap. That is too cautious: all networks saw the *same* images, and
# images that are hard for one are mostly hard for the other too. So one asks for the interval of the **difference**.
#
# `gaps` has a row for each network but the first: `gap`, how far it scores below the first, and `low` and `high`, the
# 95 % interval of that gap. Make `tied`: a list of the names of all networks that cannot be told from the first,
# because the interval of the gap holds 0.

# %%
gaps = gaps_of(on_scraps, "logme")

# %% solution="cb-tied"
### BEGIN SOLUTION
tied = [name for name in gaps.index if gaps["low"][name] <= 0]
### END SOLUTION

# %% grade="cb-tied"
check("cb-tied", tied=tied, gaps=gaps)

# %% [markdown]
# ## When it fails: a winner by luck
#
# **C4** On scraps the interval of the difference between the all-round network and the transformer holds 0: a hundred
# images do not tell which of the two is better.

# %%
from_all_round = gaps_of(on_scraps, "logme", "all-round")
claim(
    "C4", 0, ">", from_all_round["low"]["transformer"], says="on scraps, all-round and transformer cannot be told apart"
)

# %% [markdown]
# And how good is the guess? Let us pay for the answer: a simple model on each network, tested on new scraps.

# %% tags=["nbval-ignore-output"]
pd.DataFrame({"LogME": scraps["value"], "read correctly": probed("scraps")}).loc[scraps.index].round(2)

# %% [markdown]
# Read the right column from the top: roughly the same order, down to the random network; but who comes first among
# neighbours, the score does not know. It saves you from the wrong end of the shelf. Between the two or three at the
# right end, let the price decide, or try them, with five folds ([lesson 06](06_small_data.ipynb)).

# %% [markdown]
# ## Quiz
#
# [[question cb-q1]]

# %% solution="cb-q1"
### BEGIN SOLUTION
quiz("cb-q1", "b")
### END SOLUTION

# %% [markdown]
# [[question cb-q2]]

# %% solution="cb-q2"
### BEGIN SOLUTION
quiz("cb-q2", "b")
### END SOLUTION

# %% [markdown]
# [[question cb-q3]]

# %% solution="cb-q3"
### BEGIN SOLUTION
quiz("cb-q3", "a")
### END SOLUTION

# %% [markdown]
# ## What to take away
#
# - There is no best backbone, only one that is near to your data.
# - A score without chance beside it is just a number.
# - Where the interval of the difference holds 0, there is no order. Say so, and let something else decide.
#
# **Limits.** LogME judges a network as it is, frozen; fine-tuning can turn the order round. Five small networks are a
# short shelf. How well the scores agree with fine-tuning is measured in `benchmarks/transferability.py`.
#
# **Read on**
#
# - K. You and others, [LogME: practical assessment of pre-trained models for transfer
#   learning](https://arxiv.org/abs/2102.11005), 2021.
# - L.-K. Huang and others, [Frustratingly easy transferability estimation](https://arxiv.org/abs/2106.09362), 2022:
#   TransRate.
# - S. Kornblith, J. Shlens, Q. V. Le, [Do better ImageNet models transfer
#   better?](https://arxiv.org/abs/1805.08974), 2019: where sources are alike, a better network does transfer better.
#
# Next: [08 · Negative transfer and its rescue](08_negative_transfer.ipynb)
