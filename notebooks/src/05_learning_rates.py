# %% [markdown]
# # 05 · Learning rates: how far, and where
#
# **About 45 minutes** · runs in about a minute on one CPU core · no network needed · you need
# [lesson 04](04_freeze_board.ipynb)
#
# After this lesson you can
#
# 1. find a learning rate with the *range test* instead of guessing;
# 2. see what large steps make a network forget, and protect it with rates that differ by stage;
# 3. say when the same protection does harm.
#
# This lesson proves four claims, **C1** to **C4**. The notebook stops if its own numbers do not bear them out.

# %% [markdown]
# ## Ines and the viola
#
# Ines has played the violin for ten years. For the school orchestra she is to learn the viola, in forty lessons. Her
# first teacher says: forget the violin, begin anew. Her second teacher changes one small thing at a time. After forty
# lessons Ines plays the viola well with either teacher. But with one of them she can still play the violin.
#
# A pre-trained network is like Ines. Its lessons are **steps**, and the **learning rate** says how far each of them
# moves its numbers. Here it has forty steps to learn to read digits, from five labels of each. And we ask afterwards
# whether it can still do something it could do before: tell scraps of torn photographs apart.

# %%
import pandas as pd

from tlwidgets.exercises import check, claim, line_chart, picture, predict, quiz, reveal, say
from tlwidgets.exercises.experiments.learning_rates import (
    LARGE,
    RATES,
    before_training,
    explore_rates,
    outcome,
    recipe,
    search,
    sweep,
)

# %% [markdown]
# ## The finder
#
# Which rate? One could train at a dozen of them. The **range test** does it in one short climb: a step at a rate far
# too small, the next at a slightly larger one, and so on until the loss turns up. Then everything is put back as it
# was.

# %%
found = search()
picture(
    found.plot(),
    alt="The loss over the learning rate, from tiny to huge: flat at first, then falling, lowest near 0.1, then "
    "turning up at the right end. A dot marks the suggested rate, a tenth of that at the lowest point.",
)

# %% [markdown]
# The rule: find where the loss is lowest, and go back to a tenth of that. At the lowest point itself the next step
# would have been one too many. How much does the distance matter?
#
# **C1** Fine-tuned at the suggested rate the network reads at least 10 digits in every 100 more than at ten times that
# rate.

# %%
suggested = found.suggestion
claim(
    "C1",
    outcome(suggested).digits,
    ">",
    outcome(10 * suggested).digits,
    margin=0.1,
    says="the suggested rate reads more digits than ten times that rate",
)

# %% [markdown]
# ## Exercise (modify): read the curve yourself
#
# `curve` is the table behind the picture. The finder took a tenth of the rate at the lowest point. Choose a `rate` of
# your own from this curve: at most a fifth of the rate where the smoothed loss is lowest, at least a hundredth of it.

# %%
curve = found.curves[["learning_rate", "smoothed"]]

# %% solution="lr-read"
### BEGIN SOLUTION
rate = curve.loc[curve["smoothed"].idxmin(), "learning_rate"] / 10
### END SOLUTION

# %% grade="lr-read"
check("lr-read", rate=rate, curve=curve)

# %% [markdown]
# ## Predict
#
# [[question lr-p1]]

# %% solution="lr-p1"
### BEGIN SOLUTION
predict("lr-p1", "a", confidence=0.5)
### END SOLUTION

# %% [markdown]
# ## Run: four rates
#
# At every rate one network starts from random weights (*scratch*) and one from pre-trained weights (*transfer*);
# all stages take steps of the same size. *Remembered* is how many scraps a simple model can still tell apart by the
# fine-tuned network's features. This takes about half a minute.

# %%
table = sweep(RATES)
untouched, random = before_training(), before_training(pretrained=False)

# %% tags=["nbval-ignore-output"]
beside = pd.DataFrame({"remembered": {"before fine-tuning": untouched, "random weights": random}})
pd.concat([beside, table])[["scratch", "transfer", "remembered"]].round(2)

# %%
line_chart(
    list(RATES),
    {name: table[name] for name in table},
    across="learning rate (axis spaced by ratio)",
    up="share named correctly",
    alt="Three lines over four rates. Scratch rises to the middle and falls. Transfer is high from the start "
    "and falls to the right. What is remembered falls to the right.",
    log=True,
)

# %% [markdown]
# **C2** Fine-tuned at 0.03, the network tells at least 8 scraps in every 100 fewer apart than fine-tuned at 0.003.

# %%
remembered = table["remembered"]
claim(
    "C2",
    remembered[LARGE / 10],
    ">",
    remembered[LARGE],
    margin=0.08,
    says="large steps make the network forget what scraps look like",
)

# %%
reveal("lr-p1")

# %% [markdown]
# This is called *catastrophic forgetting*. The two upper rows of the table say how to read *remembered*: how many
# scraps the features told apart before any fine-tuning, and how many those of a network that never learned anything.

# %%
kept, read = table["remembered"], table["transfer"]
assert untouched > kept[3e-3] > kept[1e-2] + 0.03
assert read[1e-2] > read[3e-3] - 0.03
assert kept[1e-2] > kept[LARGE]
assert read[1e-2] > read[LARGE]

# %% [markdown]
# Compare 0.003 with 0.01: of the old task more than 3 in a hundred are lost, of the new one fewer than that. There the
# new score hides the loss; at 0.03 both fall. So the score of the new task need not tell: one has to ask for the old
# one.
#
# And the rule of thumb "for fine-tuning take a tenth of the rate that suits a network from scratch"? Compare where each
# column is highest. Scratch *needs* large steps, it has far to go. Transfer does not need them, and pays for them.
# The exact tenth is no law of nature; the direction is.

# %%
explorer = explore_rates(table)
explorer

# %% [markdown]
# ## Rates by stage
#
# The head is new and has everything to learn; the stages below it are nearly right. So give them different rates:
# **discriminative** rates. In a recipe `backbone_scale=0.1` lets the stages below the head take a tenth of its steps.
# We keep the large rate, for the head only:

# %%
recipe(LARGE, scale=0.1).backbone_scale

# %%
by_stage = outcome(LARGE, scale=0.1)
everywhere = outcome(LARGE)

# %% [markdown]
# **C3** With small steps below the head the features still tell at least 10 scraps in every 100 more apart than with
# large steps everywhere.

# %%
claim(
    "C3",
    by_stage.scraps,
    ">",
    everywhere.scraps,
    margin=0.1,
    says="small steps below the head protect what the stages knew",
)

# %% tags=["nbval-ignore-output"]
first = outcome(1e-2, unfreezing="probe_first", probe_epochs=5)
say(
    f"At {LARGE:g} everywhere it reads **{100 * everywhere.digits:.0f}** digits of a hundred and remembers "
    f"**{100 * everywhere.scraps:.0f}** scraps; with small steps below the head **{100 * by_stage.digits:.0f}** and "
    f"**{100 * by_stage.scraps:.0f}**. At 0.01, with five epochs for the head alone before the rest joins in: "
    f"**{100 * first.digits:.0f}** and **{100 * first.scraps:.0f}**; without them "
    f"**{100 * table['transfer'][1e-2]:.0f}** and **{100 * table['remembered'][1e-2]:.0f}**."
)

# %% [markdown]
# The last pair is another idea: **probe, then fine-tune**. A fresh head of random numbers sends nonsense back into the
# stages with its first steps, so let it settle first. On large networks, and on images unlike those trained on, that
# was found to help a lot. Here it changes little, one way or the other, and we make no claim of it: tlwidgets starts a
# new head at *zero*, so there is little nonsense to be spared.

# %% [markdown]
# ## Exercise (make): smaller and smaller towards the input
#
# Going further, every stage may have its own rate: the head the full one, the stage before it a share of that (a half,
# say), the stage before that one a half of a half, and so on to the stem. Write `layer_rates(stages, head_rate,
# share)`. `stages` lists the names from the stem to the head; return a dictionary from name to rate.


# %% solution="lr-layers"
### BEGIN SOLUTION
def layer_rates(stages, head_rate, share):
    made, rate = {}, head_rate
    for stage in reversed(stages):
        made[stage] = rate
        rate = rate * share
    return made


### END SOLUTION

# %% grade="lr-layers"
check("lr-layers", layer_rates=layer_rates)

# %% [markdown]
# In a recipe, `layer_decay=0.5` does this for every layer.

# %% [markdown]
# ## When it fails: nothing to protect
#
# [[question lr-p2]]

# %% solution="lr-p2"
### BEGIN SOLUTION
predict("lr-p2", "a", confidence=0.4)
### END SOLUTION

# %%
one_rate = outcome(1e-2, pretrained=False)
small_below = outcome(1e-2, pretrained=False, scale=0.1)

# %% [markdown]
# **C4** From random weights, small steps below the head cost at least 8 digits in every 100.

# %%
claim(
    "C4",
    one_rate.digits,
    ">",
    small_below.digits,
    margin=0.08,
    says="from random weights, small steps below the head cost digits",
)

# %%
reveal("lr-p2")

# %% [markdown]
# This is also a trap for whoever compares. Train both sides with settings made for fine-tuning, and scratch looks far
# worse than it is; the gain of transfer that one then reports is partly the gain of the better rate. The function
# `tlw.compare` therefore trains random weights at the full rate as well, and says so where that changes the verdict. It
# is why both sides of a fair pair had their own rate in [lesson 01](01_what_transfers.ipynb).

# %% [markdown]
# ## Quiz
#
# [[question lr-q1]]

# %% solution="lr-q1"
### BEGIN SOLUTION
quiz("lr-q1", "b")
### END SOLUTION

# %% [markdown]
# [[question lr-q2]]

# %% solution="lr-q2"
### BEGIN SOLUTION
quiz("lr-q2", "a")
### END SOLUTION

# %% [markdown]
# [[question lr-q3]]

# %% solution="lr-q3"
### BEGIN SOLUTION
quiz("lr-q3", "a")
### END SOLUTION

# %% [markdown]
# ## What to take away
#
# - Find the rate, do not guess it: a tenth of where the range test's loss is lowest.
# - Large steps forget, and the score of the new task need not tell. Small steps below the head protect.
# - Protection is for what is worth protecting. Random weights need a rate of their own.
#
# **Limits.** Forty steps and five labels a class; with long training, small rates forget too, only later. The range
# test looks at a few dozen steps and knows nothing of how a long run ends.
#
# **Read on**
#
# - L. N. Smith, [Cyclical learning rates for training neural networks](https://arxiv.org/abs/1506.01186), 2017: the
#   range test.
# - J. Howard, S. Ruder, [Universal language model fine-tuning](https://arxiv.org/abs/1801.06146), 2018: discriminative
#   rates and gradual unfreezing, for text.
# - A. Kumar and others, [Fine-tuning can distort pretrained features and underperform
#   out-of-distribution](https://arxiv.org/abs/2202.10054), 2022: probe, then fine-tune, where it pays.
#
# Next: [06 · Small data](06_small_data.ipynb)
