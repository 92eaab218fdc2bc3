# %% [markdown]
# # 13 · Few-shot learning: one example of each
#
# **About 45 minutes** · runs in under a minute on one CPU core · no network needed · you need
# [lesson 03](03_feature_extraction.ipynb)
#
# After this lesson you can
#
# 1. recognise new classes from one or a few examples each, with no training at all;
# 2. judge that honestly: many small tasks, an interval, and the same tasks for everybody;
# 3. choose *which* examples to ask for, and tell when one example says nothing.
#
# This lesson proves five claims, **C1** to **C5**. The notebook stops if its own numbers do not bear them out.

# %% [markdown]
# ## Twenty signs
#
# Amara has clay tablets before her, in a script that nobody on the dig can read. There are twenty signs. The expert is
# on another continent and has time for one telephone call. He can tell her a name for one example of each sign, no
# more. Then there are more than a thousand pictures to be sorted.
#
# (The tablets are made up. The signs are handwritten digits, the second ten lying on their side. *You* know them. The
# network has seen letters, scribbles and shapes, and not one digit.)

# %%
import numpy as np

import tlwidgets as tlw
from tlwidgets.exercises import check, claim, line_chart, picture, predict, quiz, reveal, say
from tlwidgets.exercises.experiments.few_shot import (
    accuracies,
    draw_gains,
    explore_ways,
    four_methods,
    leaves_and_signs,
    tablets,
    way_curve,
    whom_to_ask,
)

# %%
script = tablets()
len(script), len(script.classes)

# %%
picture(script.show(20), alt="Twenty small grey pictures, A to T: handwritten digits, the second ten on their side")

# %% [markdown]
# ## Words
#
# - A **task** (or *episode*) is a small exam: some classes, `n_way` of them; a few examples of each to learn from,
#   `n_shot` of them, the **support set**; and other pictures of the same classes to be judged by, the **query set**.
# - **One-shot** means `n_shot=1`, **few-shot** a handful.
# - The simplest method: each class is the mean of its examples, its **prototype**, and a picture belongs to the nearest
#   one. You wrote it yourself in [lesson 03](03_feature_extraction.ipynb).
#
# [[question fs-p1]]

# %% solution="fs-p1"
### BEGIN SOLUTION
predict("fs-p1", "c", confidence=0.4)
### END SOLUTION

# %% [markdown]
# ## Run
#
# Nothing is trained. The network describes all pictures once. Then forty tasks are drawn, each with other examples:
# who gets a clear example is lucky, who gets a smudge is not, so *one* task says little.

# %%
result = tlw.few_shot(script, "tlw_resnet", method="prototypes", n_way=20, n_shot=1, n_query=10, n_episodes=40)

# %% tags=["nbval-ignore-output"]
say(result.sentence)

# %%
reveal("fs-p1")

# %%
about_75 = bool(0.65 < result.mean < 0.85)
about_75

# %% [markdown]
# Is that the network's doing, or are the signs so easy that pixels would do? The same forty tasks, on pixels:
#
# **C1** With one example of each sign, the network's features name at least 8 pictures in every 100 more correctly
# than pixels.

# %%
claim(
    "C1",
    result.mean,
    ">",
    accuracies("pixels").mean(),
    margin=0.08,
    says="with one example a sign, features beat pixels",
)

# %% [markdown]
# ## What counts more: the eye or the rule?
#
# There are cleverer rules than the nearest prototype. `tlw.few_shot` has four:
#
# - `prototypes`: the nearest class mean;
# - `matching`: every example casts a vote, and the more it resembles the picture, the more its vote counts;
# - `simple_shot`: prototypes, but first the mean of *other* classes is subtracted (**centring**) and every row is
#   brought to the same length. If all rows point nearly the same way, that lets the differences show;
# - `linear_probe`: logistic regression.
#
# [[question fs-p2]]

# %% solution="fs-p2"
### BEGIN SOLUTION
predict("fs-p2", "b", confidence=0.5)
### END SOLUTION

# %%
on_features = four_methods("pretrained")
on_features.shape

# %% [markdown]
# Forty tasks (rows), four methods (columns), and everybody gets *the same* tasks.
#
# **C2** From pixels to features is a larger step, by at least 7 in every 100, than from the worst of the four rules to
# the best.

# %%
step = on_features["prototypes"].mean() - accuracies("pixels").mean()
spread = on_features.mean().max() - on_features.mean().min()
claim("C2", step, ">", spread, margin=0.07, says="what sees counts more than which rule decides")

# %%
reveal("fs-p2")

# %% [markdown]
# So with few examples: first choose the network ([lesson 07](07_choosing_a_backbone.ipynb)), then worry about the rule.
#
# ## Exercise (make): two methods on the same tasks
#
# The four rules are close. Is one better, or was it luck? Each task is a little exam that both took, so look at the
# *differences*, task by task. Write `gain(ours, theirs)`: two arrays with the accuracy of each task; return
# `(low, high)`, the mean difference less and plus two standard errors.


# %% solution="fs-gain"
### BEGIN SOLUTION
def gain(ours, theirs):
    differences = ours - theirs
    reach = 2 * differences.std(ddof=1) / len(differences) ** 0.5
    return differences.mean() - reach, differences.mean() + reach


### END SOLUTION

# %% grade="fs-gain"
check("fs-gain", gain=gain)

# %% [markdown]
# Here are those intervals for the other three rules against prototypes, on the pre-trained network's features and on
# those of a *random* network. The upright line is "no difference":

# %%
on_random = four_methods("random")
picture(
    draw_gains({"pre-trained network": on_features, "random network": on_random}),
    alt="Three rules with intervals in two panels. Pre-trained: all lie close around no difference. Random network: "
    "all lie to the right of it, matching furthest.",
)

# %% [markdown]
# How much do the four get right by a random network's features, beside pixels?

# %%
far_below = bool(on_random.mean().max() < accuracies("pixels").mean() - 0.1)
far_below

# %% [markdown]
# On good features the rules differ by about one in a hundred, and an interval that holds 0 says: it may have been luck.
# On a random network's features the rule makes a greater difference, but all four stay more than 10 in a hundred below
# pixels there (`True`): no rule repairs an eye that has learned nothing.
#
# ## One shot against five
#
# **C3** Five examples of each sign instead of one: at least 12 in every 100 more are right.

# %%
five = tlw.few_shot(script, "tlw_resnet", n_way=20, n_shot=5, n_query=10, n_episodes=40)
claim("C3", five.mean, ">", result.mean, margin=0.12, says="five examples of each sign beat one")

# %% [markdown]
# A mean of five is no longer at the mercy of one smudged picture. It is not the *number* that helps: five copies of one
# picture have the same mean as the picture (you will try that in the quiz).
#
# ## Explore: how many signs?
#
# How good a number is depends on how many classes there are to tell apart. Never compare results of different `n_way`.

# %%
ways = [2, 5, 10, 20]
curve = way_curve(ways)

# %%
line_chart(
    ways,
    {"one example": curve["one"], "five examples": curve["five"], "guessing": [1 / way for way in ways]},
    across="signs to tell apart (axis spaced by ratio)",
    up="share of pictures named correctly",
    alt="Three falling lines over the number of signs: five examples fall a little from nearly all correct, one "
    "example falls further to about three quarters, guessing falls from a half to a twentieth.",
    log=True,
)

# %%
explorer = explore_ways(curve)
explorer

# %% [markdown]
# ## Which examples?
#
# So far somebody handed us one example of *each* sign. In truth Amara has a heap of pictures and no idea which sign is
# which. The expert will name twenty pictures. Which ones does she send?
#
# [[question fs-p3]]

# %% solution="fs-p3"
### BEGIN SOLUTION
predict("fs-p3", "b", confidence=0.6)
### END SOLUTION

# %%
asked = whom_to_ask()

# %% [markdown]
# **C4** Sorted into twenty groups, and one picture from the middle of each sent to the expert: at least 20 in every 100
# more are right than with twenty pictures drawn at random.

# %%
claim(
    "C4",
    asked["by groups"],
    ">",
    asked["at random"],
    margin=0.2,
    says="asking in the middle of groups beats asking at random",
)

# %%
reveal("fs-p3")

# %%
beats_one_of_each = bool(asked["by groups"] > result.mean)
beats_one_of_each

# %% [markdown]
# It even beats one random example of *each* sign, the test from the beginning, although a sign may be missing: a
# typical example is a better teacher than any that comes along. And no label was needed for choosing.
#
# ## Exercise (modify): whom to ask
#
# `groups` says for each row of a table which group it is in: 0, 1, 2, ... This takes the first picture of each group:

# %%
groups = np.array([1, 0, 1, 2, 0])
first = [int(np.flatnonzero(groups == group)[0]) for group in range(groups.max() + 1)]
first

# %% [markdown]
# Change it into `ask(features, groups)`, which takes the picture *nearest to the mean of its group* (by squared
# distance; `features` is a table (N, D)). Return the numbers of the rows, group 0 first.


# %% solution="fs-ask"
### BEGIN SOLUTION
def ask(features, groups):
    rows = []
    for group in range(groups.max() + 1):
        members = np.flatnonzero(groups == group)
        distances = ((features[members] - features[members].mean(axis=0)) ** 2).sum(axis=1)
        rows.append(int(members[distances.argmin()]))
    return rows


### END SOLUTION

# %% grade="fs-ask"
check("fs-ask", ask=ask)

# %% [markdown]
# ## When it fails: unlike anything seen
#
# Amara's brother Tariq grows coffee. He has pictures of leaves (drawn ones, here), healthy and with one of three
# diseases, and wants the same: one example of each, please. For your eyes it is easier than the signs.

# %%
leaves = tlw.load_data("leaves", per_class=40)
picture(
    leaves.show(8),
    alt="Eight drawn leaves pointing in all directions: healthy, with small rust dots, round spots or a brown blight",
)

# %% [markdown]
# [[question fs-p4]]

# %% solution="fs-p4"
### BEGIN SOLUTION
predict("fs-p4", "c", confidence=0.5)
### END SOLUTION

# %%
both = leaves_and_signs()

# %% [markdown]
# **C5** Four signs against four kinds of leaf, one example of each: at least 50 in every 100 fewer leaves are right.

# %%
claim(
    "C5",
    both["signs"],
    ">",
    both["leaves"],
    margin=0.5,
    says="one example tells signs apart, and hardly the health of leaves",
)

# %%
reveal("fs-p4")

# %% tags=["nbval-ignore-output"]
say(
    "Of a hundred pictures: twenty names asked for at random "
    f"**{100 * asked['at random']:.0f}**, by groups **{100 * asked['by groups']:.0f}**; "
    f"four signs **{100 * both['signs']:.0f}**, four kinds of leaf **{100 * both['leaves']:.0f}**, guessing 25."
)

# %% [markdown]
# To the network two leaves are alike because they point the same way, or are equally wide, or of the same green. The
# disease is one small reason among many, and *one* example cannot say which of its many properties is the one that is
# meant. For signs the network's source had answered that: it had learned that the outline counts, and not the shade.
# With few examples all depends on whether the source **answers the question in advance**.
#
# What helps is more examples and a rule that can *weigh* the features, or training the network: then this is no longer
# few-shot learning, and that is the honest answer. The other end has its limit too. With 45 examples of each sign, does
# a linear probe overtake the prototypes?

# %%
probe, prototypes = (accuracies(method=name, n_shot=45).mean() for name in ("linear_probe", "prototypes"))
overtakes = bool(probe > prototypes)
overtakes

# %% [markdown]
# `True`: a mean is all that a prototype remembers, however many examples it has seen. Prototypes are for *few*.
#
# ## Try it by hand
#
# Draw two or three signs of your own, one example of each, and then others to be recognised. (If your JupyterLab shows
# no drawing field here, skip it.)

# %%
teach = tlw.Teach(classes=("star", "house"))
teach

# %% [markdown]
# ## Quiz
#
# [[question fs-q1]]

# %% solution="fs-q1"
### BEGIN SOLUTION
quiz("fs-q1", "b")
### END SOLUTION

# %% [markdown]
# [[question fs-q2]]

# %% solution="fs-q2"
### BEGIN SOLUTION
quiz("fs-q2", "a")
### END SOLUTION

# %% [markdown]
# [[question fs-q3]]

# %% solution="fs-q3"
### BEGIN SOLUTION
quiz("fs-q3", "b")
### END SOLUTION

# %% [markdown]
# ## What to take away
#
# - Where seeing was learned elsewhere, one example is enough to be told a name.
# - Judge by many tasks, with an interval, the same ones for everybody; and always say how many classes there were.
# - The network counts more than the rule. Which examples are labelled can count more than both.
# - One example cannot say *which* of its properties is meant. The source has to.
#
# **Limits.** The signs lie in the middle of clean pictures; real tablets do not. The interval knows of other tasks from
# these twenty signs, not of other scripts. The number of groups was known; in practice it has to be guessed.
#
# **Read on**
#
# - O. Vinyals and others, [Matching networks for one shot learning](https://arxiv.org/abs/1606.04080), 2016: tasks as
#   we draw them. There the network is trained on such tasks; ours never saw one.
# - J. Snell, K. Swersky, R. Zemel, [Prototypical networks](https://arxiv.org/abs/1703.05175), 2017: the nearest mean,
#   with a network trained for it.
# - Y. Wang and others, [SimpleShot](https://arxiv.org/abs/1911.04623), 2019, and Y. Tian and others, [Rethinking
#   few-shot image classification](https://arxiv.org/abs/2003.11539), 2020: good features and a simple rule are hard to
#   beat.
# - G. Hacohen, A. Dekel, D. Weinshall, [Active learning on a budget](https://arxiv.org/abs/2202.02794), 2022: with few
#   questions ask about typical pictures, with many about odd ones.
#
# Next: [14 · Meta-learning](14_meta_learning.ipynb)
