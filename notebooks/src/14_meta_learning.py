# %% [markdown]
# # 14 · Meta-learning: learning where to begin
#
# **About 40 minutes** · runs in under a minute on one CPU core · no network needed · you need
# [lesson 13](13_few_shot.ipynb)
#
# After this lesson you can
#
# 1. say what MAML, first-order MAML, ANIL and Reptile learn, and how they differ;
# 2. compare a meta-learned start with an honest baseline;
# 3. say when good features are the better choice.
#
# This lesson proves three claims, **C1** to **C3**. The notebook stops if its own numbers do not bear them out.

# %% [markdown]
# ## The tuner's ear
#
# Old Mr Osei tunes instruments. Every instrument swings in its own **wave**: some high, some flat, some early, some
# late. From ten points of a swing he sees the whole wave. His apprentice, with the same ten points, draws something
# wobbly. What has the old man learned in forty years? Not *one* wave. He has learned where to begin.
#
# Each wave is a **task**: ten points to learn from (support), ten others to be judged by (query). A small network shall
# learn a new wave in a handful of gradient steps. All depends on where it starts.

# %%
import numpy as np

from tlwidgets.exercises import check, claim, line_chart, picture, predict, quiz, reveal, say
from tlwidgets.exercises.experiments.meta_learning import (
    STEPS,
    draw_wave,
    error,
    explore_steps,
    new_signs,
    small_network,
    squared,
    step_curve,
    waves,
)
from tlwidgets.methods.reptile import Reptile

# %% [markdown]
# This is all there is to it:

# %%
network = small_network(seed=0)
learner = Reptile(network, squared, inner_rate=0.02, inner_steps=8, outer_rate=0.3)
_ = learner.train_step(waves(seed=1, n=4))
x, y, query, answers = waves(seed=2, n=1)[0]
learner.predict(learner.adapt(x, y), query).shape

# %% [markdown]
# `train_step` moves the start by looking at four waves. `adapt` learns *one* wave from its ten points, in a copy: the
# start stays where it is. `MAML(network, squared)` is used in the same way. The four methods:
#
# - **Reptile**: learn each task from the start by a few ordinary steps, then move the start a share of the way to where
#   they led;
# - **MAML**: ask of the loss on the query points *after* the steps how the start should have been. That is a gradient
#   through gradient steps;
# - **first-order MAML** (FOMAML): the same, but as if the end moved exactly as the start does. Cheaper;
# - **ANIL**: MAML in which only the last layer adapts.
#
# ## Predict
#
# The baseline is a **joint** start: the same network, trained on the same points of the same waves for as many steps,
# all in one heap. Then it takes the same steps on the ten points of the new wave.
#
# [[question ml-p1]]

# %% solution="ml-p1"
### BEGIN SOLUTION
predict("ml-p1", "b", confidence=0.6)
### END SOLUTION

# %% [markdown]
# ## Run
#
# `STEPS` steps, four waves each; then forty new waves.

# %%
STEPS

# %%
reptile, joint = error("reptile"), error("joint", by="reptile")

# %% [markdown]
# **C1** After eight plain steps on ten points, the start by Reptile has a squared error that is at least 1.0 below that
# of the joint start.

# %%
claim("C1", joint, ">", reptile, margin=1.0, says="a start by Reptile is better than one trained on all waves")

# %% [markdown]
# **C2** MAML was trained for a *single* step, and after it is at least 0.1 better than the joint start.

# %%
maml, joint_maml = error("maml"), error("joint", by="maml")
claim("C2", joint_maml, ">", maml, margin=0.1, says="so is a start by MAML, after a single step")

# %%
reveal("ml-p1")

# %%
picture(
    draw_wave(["untrained", "joint", "reptile"]),
    alt="Three panels with the same ten points of a wave, the start dotted and the result after eight steps as a line. "
    "The line of reptile passes near all points, joint misses those at the left edge, untrained only rises a little at "
    "the right and follows neither trough nor crest.",
)

# %% [markdown]
# Look at the dotted lines. The joint start is the mean of all waves, more or less: the best *answer* if one may not
# learn any more. Reptile's start is a wave as well, but one that a few steps can move as a whole. A good answer and a
# good place to begin are two things.
#
# ## Explore: how many steps?

# %%
counts = [2, 4, 8, 16]
curve = step_curve(["untrained", "joint", "reptile"], counts)

# %%
line_chart(
    counts,
    {name: curve[name] for name in curve},
    across="plain gradient steps on the ten points (axis spaced by ratio)",
    up="squared error on the rest of the wave",
    alt="Three lines over the number of steps: untrained is highest and rises, joint falls slowly below it, reptile "
    "is lowest and falls.",
    log=True,
)

# %%
explorer = explore_steps(curve)
explorer

# %% [markdown]
# The untrained network does not even gain from more steps: ten points are too few to learn from nothing what a wave is.
#
# ## Exercise (modify): the gradient through a step
#
# The smallest MAML of all: the network is one number, `start`. The loss on the support is `(start - support) ** 2`, one
# inner step leads to `end`, and the loss on the query is `(end - query) ** 2`. This is FOMAML's gradient:

# %%
start, support, query, rate = 2.0, 1.0, -1.0, 0.1
end = start - rate * 2 * (start - support)
round(2 * (end - query), 2)

# %% [markdown]
# Write `meta_gradient(start, support, query, rate)`: MAML's gradient, the true slope of the query loss over `start`.
# One factor is missing above: how far `end` moves when `start` does.


# %% solution="ml-gradient"
### BEGIN SOLUTION
def meta_gradient(start, support, query, rate):
    end = start - rate * 2 * (start - support)
    return 2 * (end - query) * (1 - 2 * rate)


### END SOLUTION

# %% grade="ml-gradient"
check("ml-gradient", meta_gradient=meta_gradient)

# %% [markdown]
# ## Exercise (make): one step of Reptile
#
# Write `reptile_step(start, tasks, learn, share)`. `learn(start, task)` returns the parameters where a task's steps
# lead; move the start a `share` of the way to the *mean* of these ends, and return it. Parameters are arrays.


# %% solution="ml-reptile"
### BEGIN SOLUTION
def reptile_step(start, tasks, learn, share):
    ends = [learn(start, task) for task in tasks]
    return start + share * (np.mean(ends, axis=0) - start)


### END SOLUTION

# %% grade="ml-reptile"
check("ml-reptile", reptile_step=reptile_step)

# %% [markdown]
# ## When it fails: eyes instead of practice
#
# Back to Amara's twenty signs of [lesson 13](13_few_shot.ipynb). Ten of them are known, with plenty of examples. A
# small network practises on them: 150 steps of Reptile, each with tasks of five signs and one example of each. Then
# five of the ten *other* signs. Against it stand prototypes on the features of a network that was pre-trained on
# letters and shapes and never saw a sign.
#
# [[question ml-p2]]

# %% solution="ml-p2"
### BEGIN SOLUTION
predict("ml-p2", "b", confidence=0.5)
### END SOLUTION

# %%
signs = new_signs()

# %% [markdown]
# **C3** The prototypes name at least 5 in every 100 more.

# %%
claim(
    "C3",
    signs["prototypes"],
    ">",
    signs["reptile"],
    margin=0.05,
    says="good features and a mean beat a meta-learned start",
)

# %%
reveal("ml-p2")

# %% tags=["nbval-ignore-output"]
say(
    f"Squared error on new waves: Reptile **{reptile:.1f}** (joint {joint:.1f}), MAML **{maml:.1f}** (joint "
    f"{joint_maml:.1f}). Of a hundred new signs: untrained **{100 * signs['untrained']:.0f}**, after practice "
    f"**{100 * signs['reptile']:.0f}**, prototypes on features **{100 * signs['prototypes']:.0f}**."
)

# %% [markdown]
# Practice did help: compare with *untrained*. But it could only use what the ten signs show, and a pre-trained network
# has seen far more. Waves were different: there nothing to look at had to be learned, and all tasks were of one family,
# drawn by the thousand. **Meta-learning pays where there are very many tasks of one kind, and no source to borrow
# from.** Where there is a good network, begin with its features.

# %% [markdown]
# ## Quiz
#
# [[question ml-q1]]

# %% solution="ml-q1"
### BEGIN SOLUTION
quiz("ml-q1", "b")
### END SOLUTION

# %% [markdown]
# [[question ml-q2]]

# %% solution="ml-q2"
### BEGIN SOLUTION
quiz("ml-q2", "b")
### END SOLUTION

# %% [markdown]
# [[question ml-q3]]

# %% solution="ml-q3"
### BEGIN SOLUTION
quiz("ml-q3", "a")
### END SOLUTION

# %% [markdown]
# ## What to take away
#
# - A good answer on the mean of all tasks is not a good place to begin.
# - MAML asks how the start should have been; Reptile just goes a part of the way to where tasks end.
# - Compare with joint training after the *same* steps, and with good features.
#
# **Limits.** The budgets are tiny; with more steps all errors fall. Methods that train features *and* practise on tasks
# (prototypical networks) lie between the two camps and are not in this lesson.
#
# **Read on**
#
# - C. Finn, P. Abbeel, S. Levine, [Model-agnostic meta-learning](https://arxiv.org/abs/1703.03400), 2017: MAML, and the
#   waves of this lesson. There the network trains on hundreds of times as many.
# - A. Nichol, J. Achiam, J. Schulman, [On first-order meta-learning algorithms](https://arxiv.org/abs/1803.02999),
#   2018: Reptile.
# - A. Raghu and others, [Rapid learning or feature reuse?](https://arxiv.org/abs/1909.09157), 2020: ANIL, and why
#   features hardly change in the inner loop.
# - Y. Tian and others, [Rethinking few-shot image classification](https://arxiv.org/abs/2003.11539), 2020: a good
#   embedding is hard to beat, with far larger networks than ours.
#
# Next: [15 · Zero-shot learning](15_zero_shot.ipynb)
