# %% [markdown]
# # 12 · Multi-task learning: several tasks, one trunk
#
# **About 40 minutes** · runs in under a minute on one CPU core · no network needed · you need
# [lesson 08](08_negative_transfer.ipynb)
#
# After this lesson you can
#
# 1. say what several tasks can share, and measure what sharing is worth;
# 2. train one network with several heads, and ask each head afterwards;
# 3. see in the gradients whether two tasks pull the same way, and tell when tasks belong apart.
#
# This lesson proves three claims, **C1** to **C3**. The notebook stops if its own numbers do not bear them out.

# %% [markdown]
# ## Twenty ice-cream stands
#
# Ines runs twenty ice-cream stands along the coast. For thirty days she has written down what each of them sold, and
# fifty things that might matter: temperature, tide, school holidays, the ferry, football on television ... Five of the
# fifty really count. She does not know which.
#
# Fifty causes and thirty days: by luck alone, many a cause will *seem* to count. Twenty stands are twenty **tasks**.
# Shall she learn each from its own books, or all of them at once?

# %%
import numpy as np

import tlwidgets as tlw
from tlwidgets.exercises import check, claim, line_chart, predict, quiz, reveal, say
from tlwidgets.exercises.experiments.multi_task import (
    alone_and_together,
    explore_sharing,
    scans,
    shared_trunk,
    sharing_curve,
    stands,
)

# %%
causes, sales, strengths = stands(shared=1.0)
causes.shape, sales.shape

# %% [markdown]
# (The books are made up, so we know the truth: the same five causes count at every stand, but with other strengths.
# Rain empties the beach and fills the stand at the station.)
#
# [[question mt-p1]]

# %% solution="mt-p1"
### BEGIN SOLUTION
predict("mt-p1", "b", confidence=0.5)
### END SOLUTION

# %% [markdown]
# ## Run
#
# - **Alone**: a *lasso* for each stand. That is a linear model which pays for every cause it uses, so it keeps few.
# - **Together**: the multi-task lasso. It pays for a cause *once for all stands*: a cause is in for everybody or out
#   for everybody. The strengths stay each stand's own.
#
# Both choose by five folds how strict they are; otherwise the comparison would not be fair. The error is that of a new
# day, less the part that nobody can predict.

# %%
same = alone_and_together(shared=1.0)

# %% [markdown]
# **C1** Where the same causes count everywhere, learning together saves at least 30 % of the error.

# %%
claim(
    "C1",
    1 - same["together"] / same["alone"],
    ">",
    0,
    margin=0.3,
    says="stands with the same causes are better learned together",
)

# %%
reveal("mt-p1")

# %% [markdown]
# This is the whole idea of **multi-task learning**: the tasks differ, but *what one has to look at* is the same. That
# part is learned from everybody's data.
#
# ## When it fails: nothing in common
#
# Another coast. Here a different five causes count at every stand. Ines does not know that, and learns together as
# before.
#
# [[question mt-p2]]

# %% solution="mt-p2"
### BEGIN SOLUTION
predict("mt-p2", "c", confidence=0.5)
### END SOLUTION

# %%
apart = alone_and_together(shared=0.0)

# %% [markdown]
# **C2** Where every stand has causes of its own, learning together adds at least 50 % to the error.

# %%
claim(
    "C2",
    apart["together"] / apart["alone"] - 1,
    ">",
    0,
    margin=0.5,
    says="stands with nothing in common are better learned alone",
)

# %%
reveal("mt-p2")

# %% [markdown]
# Negative transfer again ([lesson 08](08_negative_transfer.ipynb)), this time from all sides at once. And there was no
# warning: the data look the same. Only the comparison with *alone* tells.
#
# ## Explore: how much must be shared?

# %%
shares = [0.0, 0.25, 0.5, 0.75, 1.0]
curve = sharing_curve(shares)

# %%
line_chart(
    shares,
    {name: curve[name] for name in curve},
    across="share of stands at which the same causes count",
    up="error on a new day",
    alt="Two lines over the share of stands with the same causes. Alone stays about level; together begins at twice "
    "the error and falls far below it, crossing near three quarters.",
)

# %%
explorer = explore_sharing(curve)
explorer

# %% [markdown]
# ## The same with a network
#
# In a network the shared part is the **trunk**: all stages but the last layer. Each task gets a **head** of its own on
# top. Here the main task is reading digits, from five scans of each, and the further task: *does the digit have a
# loop?*

# %%
loops = {str(digit): "yes" if digit in (0, 6, 8, 9) else "no" for digit in range(10)}
recipe = tlw.Recipe(
    data=scans(), epochs=12, batch_size=25, method="multi_task", method_options={"tasks": {"loop": loops}}
)
run = tlw.fit(recipe, progress=False)
run.tasks

# %% [markdown]
# The trained run answers both questions, each with its own head:

# %% tags=["nbval-ignore-output"]
eight = [scans().images([row])[0] for row in scans().indices("test") if scans().labels[row] == 8][:5]
run.predict(eight), run.predict(eight, task="loop")

# %% [markdown]
# ## Exercise (modify): another task
#
# Change the further task: instead of loops, the network shall learn beside the digits which of them are *even*. Make
# `tasks`: a dictionary like `{"loop": loops}`, but with the name `"even"`, and a table from digit to label that fits
# it.

# %% solution="mt-tasks"
### BEGIN SOLUTION
tasks = {"even": {str(digit): "yes" if digit % 2 == 0 else "no" for digit in range(10)}}
### END SOLUTION

# %% grade="mt-tasks"
check("mt-tasks", tasks=tasks)

# %% [markdown]
# ## Do they pull the same way?
#
# In every step each task says in which direction the trunk should move: its **gradient**. The two are added up. If they
# point the same way, each step helps both; if they point apart, one task's step is the other's setback. The **cosine**
# between them says which: 1 the same way, 0 nothing to do with each other, -1 against each other.
#
# We compare two further tasks: the **loops**, and **noise**, a name drawn at random for every picture. It can only be
# learned by heart.
#
# [[question mt-p3]]

# %% solution="mt-p3"
### BEGIN SOLUTION
predict("mt-p3", "a", confidence=0.6)
### END SOLUTION

# %%
with_loops, with_noise, digits_only = shared_trunk("loop"), shared_trunk("noise"), shared_trunk(None)

# %% [markdown]
# **C3** The gradients of loops and digits agree: their mean cosine is at least 0.04, and as much above that of noise.

# %%
claim(
    "C3",
    with_loops["cosine"],
    ">",
    max(0.0, with_noise["cosine"]),
    margin=0.04,
    says="loops pull the way of the digits, noise does not",
)

# %%
reveal("mt-p3")

# %% tags=["nbval-ignore-output"]
say(
    f"Mean cosine: loops **{with_loops['cosine']:+.2f}**, noise **{with_noise['cosine']:+.2f}**. Of a hundred new "
    f"digits are read: digits alone **{100 * digits_only['digits']:.0f}**, with loops "
    f"**{100 * with_loops['digits']:.0f}**, with noise **{100 * with_noise['digits']:.0f}**."
)

# %% [markdown]
# Look at the second half of that sentence. The gradients differ clearly, the digits hardly: **here a second task
# neither helps nor harms much**, over five seeds the differences go both ways. The network was pre-trained and knew
# already what to look at, and loops follow from the digit, so they tell nothing new. That is the honest result, and a
# common one. Multi-task learning pays where the shared part is still to be found and no single task has the data to
# find it, as at the stands.
#
# ## Exercise (make): agreement
#
# Write `agreement(first, second)`: two tasks' gradients, each a list with one array for each layer; return the cosine
# between the two, over all layers at once.


# %% solution="mt-cosine"
### BEGIN SOLUTION
def agreement(first, second):
    one = np.concatenate([layer.ravel() for layer in first])
    other = np.concatenate([layer.ravel() for layer in second])
    return one @ other / (np.linalg.norm(one) * np.linalg.norm(other))


### END SOLUTION

# %% grade="mt-cosine"
check("mt-cosine", agreement=agreement)

# %% [markdown]
# ## How much does each task count?
#
# The losses are added up, and a loud task can drown the others. Two ways to weigh them:
#
# - **fixed**: `method_options={"tasks": ..., "weights": {"loop": 0.3}}`; try a few, choose on validation images;
# - **learned**: `"weighting": "uncertainty"`. A loss $L$ counts $e^{-s} L + s / 2$, and the network learns $s$ for each
#   task. Where the loss stays high because the labels are noisy, a larger $s$ turns it down; the term $s / 2$ is the
#   price for that. Noisy tasks count less by themselves. Difficult ones too, alas: it cannot tell the two apart.

# %% [markdown]
# ## Quiz
#
# [[question mt-q1]]

# %% solution="mt-q1"
### BEGIN SOLUTION
quiz("mt-q1", "a")
### END SOLUTION

# %% [markdown]
# [[question mt-q2]]

# %% solution="mt-q2"
### BEGIN SOLUTION
quiz("mt-q2", "a")
### END SOLUTION

# %% [markdown]
# [[question mt-q3]]

# %% solution="mt-q3"
### BEGIN SOLUTION
quiz("mt-q3", "b")
### END SOLUTION

# %% [markdown]
# ## What to take away
#
# - Tasks that look at the same things are learned better together, if none has enough data alone.
# - Tasks that share nothing do harm to each other. The comparison with *alone* tells; nothing else does.
# - The cosine of the gradients shows who pulls the same way. It is a hint, not a verdict.
#
# **Limits.** The stands share either all their causes or none; real tasks share some, and nobody knows which. Our
# network is small and pre-trained; trunks of many tasks in practice are large.
#
# **Read on**
#
# - R. Caruana, [Multitask learning](https://doi.org/10.1023/A:1007379606734), 1997: the idea, with networks of the
#   time.
# - G. Obozinski, B. Taskar, M. Jordan, [Joint covariate selection and joint subspace selection for multiple
#   classification problems](https://doi.org/10.1007/s11222-008-9111-x), 2010: the penalty that keeps or drops a cause
#   for all tasks.
# - A. Kendall, Y. Gal, R. Cipolla, [Multi-task learning using uncertainty to weigh
#   losses](https://arxiv.org/abs/1705.07115), 2018. There the tasks are depth and objects in street scenes.
# - T. Yu and others, [Gradient surgery for multi-task learning](https://arxiv.org/abs/2001.06782), 2020: what one can
#   do when the cosine is below 0. We only look at it.
#
# Next: [13 · Few-shot learning](13_few_shot.ipynb)
