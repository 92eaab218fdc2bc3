# %% [markdown]
# # 26 · Capstone: bring your own folder
#
# **About 60 minutes** · runs in under a minute on one CPU core · no network needed · you need
# [lesson 04](04_freeze_board.ipynb) and [lesson 06](06_small_data.ipynb)
#
# After this lesson you can
#
# 1. take a folder of pictures through all seven steps of transfer learning, with choices of your own;
# 2. say what your result is worth: beside what it must beat, over several seeds, with no picture in two places;
# 3. leave something that others can check: a model card, the record of the run and a script that repeats it.
#
# This lesson proves three claims, **C1** to **C3**, on the folder that comes with it. On a folder of your own **C1** is
# not asked: there, *you* find out what holds. **C2** and **C3** hold for any folder.

# %% [markdown]
# ## Your folder
#
# You need nothing but pictures in sub-folders, one for each class: `photos/cats`, `photos/dogs`. Twenty of each are
# enough to begin with. Write the path between the quotes. As long as it says `None`, the lesson takes a folder of its
# own: small air photographs, drawn by a program, of crops, forest, meadow, town and water.
#
# Below, six in ten pictures are put aside for testing. That is much; but a result is worth no more than the test behind
# it, and from a few dozen pictures one learns little about a network. One in ten is for validation, the rest to learn
# from.

# %%
YOUR_FOLDER = None  # for example "photos"

# %%
from tempfile import TemporaryDirectory

import tlwidgets as tlw
from tlwidgets.exercises import check, claim, picture, predict, quiz, reveal, say
from tlwidgets.exercises.experiments.capstone import (
    changed_answers,
    copied_folder,
    copies_found,
    example_folder,
    explore_explanations,
    first_recipe,
)

desk = TemporaryDirectory()  # goes away with the kernel
folder = YOUR_FOLDER or example_folder(f"{desk.name}/photos")
data = tlw.load_data(folder, val=0.1, test=0.6)
data.classes, data.splits

# %%
picture(data.show(10), alt="Ten small pictures of the folder, each under the name of its class")

# %% [markdown]
# ## Step 1: choose a pre-trained model
#
# A small network of our own, which learned from drawn shapes and textures. It has never seen an air photograph.
# Others are in `tlw.list_backbones()`, and `tlw.rank_backbones(data)` compares some on your pictures without training
# any ([lesson 07](07_choosing_a_backbone.ipynb)).

# %%
backbone = tlw.load_backbone("tlw_resnet")
stages = [stage.name for stage in backbone.stages]
stages

# %% [markdown]
# ## Step 2: define the task
#
# One picture, one class. With `len(data.classes)` classes of the same size, guessing is right once in that many
# times. Say now, before you have seen any result, which accuracy would be *useful* to you. Whoever names that number
# afterwards always finds that it was reached.

# %% [markdown]
# ## Step 3: prepare the data
#
# Is the folder in order? Three questions come before any training:
#
# - Does a picture, or a near copy of it, stand in two splits? `data.leaks()` is a table of such pictures.
# - Are there test pictures at all? `data.splits` counts them.
# - Does each class have enough to learn from? `data.labels` are numbers, and `data.indices("train")` says which
#   pictures are learned from.
#
# **Exercise (make).** Write `troubles(data)`. It returns a list of words: `"leak"` when there is any leak, `"no
# test"` when there are no test pictures, `"few"` when a class has fewer than 5 pictures to learn from; `[]` when all
# is well.


# %% solution="cap-troubles"
### BEGIN SOLUTION
def troubles(data):
    found = []
    if len(data.leaks()):
        found.append("leak")
    if data.splits["test"] == 0:
        found.append("no test")
    learn = [data.labels[i] for i in data.indices("train")]
    if min(learn.count(label) for label in range(len(data.classes))) < 5:
        found.append("few")
    return found


### END SOLUTION

# %% grade="cap-troubles"
check("cap-troubles", troubles=troubles)

# %%
troubles(data)

# %% [markdown]
# tlwidgets deals the pictures itself and keeps near copies together, so an empty list is no surprise here. Splits that
# somebody made by hand are another matter:

# %% [markdown]
# [[question cap-p2]]

# %% solution="cap-p2"
### BEGIN SOLUTION
predict("cap-p2", "a", confidence=0.4)
### END SOLUTION

# %%
by_hand = tlw.load_data(copied_folder(f"{desk.name}/by-hand"), val=0.0)
found = copies_found(by_hand)

# %% [markdown]
# **C2** Of ten copies among the test pictures at least seven are found.

# %%
claim("C2", found, ">", 0, margin=7.0, says="copies among the test pictures are found")

# %%
reveal("cap-p2")

# %% [markdown]
# ## Steps 4 and 5: adapt the head, freeze
#
# The first recipe is the plainest: all borrowed stages stay as they are, and a new head learns your classes.

# %%
first = first_recipe(data)
first.plan

# %% [markdown]
# ## Step 6: train, and train its rivals
#
# (The question is about the folder of air photographs. With one of your own, guess for yours.)
#
# [[question cap-p1]]

# %% solution="cap-p1"
### BEGIN SOLUTION
predict("cap-p1", "b", confidence=0.6)
### END SOLUTION

# %% [markdown]
# A result by itself says nothing. `tlw.compare` trains the recipe and what it has to beat: the same network from
# random weights (with the small steps of the recipe, and with full ones), a linear model on the borrowed features,
# one on the bare pixels, and whoever always names the commonest class. All with the same pictures, over the same
# seeds.

# %%
comparison = tlw.compare(first, seeds=(0, 1), progress=False)

# %% [markdown]
# **C1** A new head on borrowed stages names at least 10 in every 100 more than a simple model on the pixels.

# %%
accuracy = comparison.table["accuracy"]
if YOUR_FOLDER is None:
    assert accuracy["transfer"] > accuracy["scratch"] + 0.05  # and more than the same network from random weights
    claim(
        "C1",
        accuracy["transfer"],
        ">",
        accuracy["pixels"],
        margin=0.1,
        says="a head on borrowed stages beats a simple model on the pixels",
    )

# %%
reveal("cap-p1") if YOUR_FOLDER is None else None

# %%
ours = ": two with borrowed stages lead, one that always says the same is last" if YOUR_FOLDER is None else ""
picture(comparison.plot(), alt=f"Accuracy of six models{ours}")

# %% tags=["nbval-ignore-output"]
say(comparison.sentence)

# %% [markdown]
# The pixels are the rival that is beaten easily. The same network from random weights is the harder one, and the
# verdict is about it. Read the sentence to its end: the size, the interval, the number of seeds and pictures, and,
# where there is one, the warning. With your own folder the verdict may well be `"none"`. That is a result too: it says
# that *these* pictures do not show whether borrowing helps, and what to do next, as a rule to collect more.
#
# **Exercise (modify).** Now your choice. Make `recipe` out of `first` with `first.replace(...)`: let one or more
# borrowed stages learn as well, and in smaller steps than the head. `tlw.FreezePlan(stages)` makes a plan,
# `backbone_scale` says which part of the head's step a borrowed stage takes.

# %% solution="cap-recipe"
### BEGIN SOLUTION
recipe = first.replace(plan=tlw.FreezePlan(stages).freeze_until("stage3"), backbone_scale=0.1)
### END SOLUTION

# %% grade="cap-recipe"
check("cap-recipe", recipe=recipe, first=first)

# %%
chosen = recipe if isinstance(recipe, tlw.Recipe) else first
run = tlw.fit(chosen, path=f"{desk.name}/run", progress=False)

# %% [markdown]
# Was your choice better than the first recipe? Ask before you believe it: on so few test pictures a few more or less
# are luck. `tlw.compare(recipe)` would tell, and `tlw.compare_runs` compares two runs picture by picture.

# %% [markdown]
# ## Step 7: evaluate: what does it look at?
#
# Accuracy says how often it is right, not why. `tlw.explain` asks LIME: leave out parts of the picture at random and
# see which of them the answer needs. `tlw.faithfulness` covers what LIME named and, to compare, as much elsewhere.

# %%
asked = {}
for number, index in enumerate(data.indices("test")[:5], start=1):
    explanation = tlw.explain(run, data.image(index), "lime", effort=150)
    asked[f"picture {number}"] = explanation, tlw.faithfulness(run, explanation)
picture(
    asked["picture 1"][0].figure(),
    alt="A test picture, and beside it the same in grey: blue where it speaks for the answer, orange where against it",
)

# %%
explorer = explore_explanations(asked)
explorer

# %% [markdown]
# Move the slider. Where the sentence says that it does not point at what counts, do not believe the coloured picture,
# pretty as it is.

# %% [markdown]
# ## What you leave behind
#
# **Exercise (make).** A model card: what somebody must know who was not there. Fill in `card`, from `comparison` and
# not from your memory: `accuracy` of the recipe (the mean over the seeds), `baselines` with at least `scratch` and
# `pixels`, the `verdict`, and `limits` as a sentence of your own: which pictures has it never seen?

# %% solution="cap-card"
### BEGIN SOLUTION
card = {
    "accuracy": comparison.table["accuracy"]["transfer"],
    "baselines": {arm: comparison.table["accuracy"][arm] for arm in ("scratch", "pixels")},
    "verdict": comparison.verdict,
    "limits": "Forty small drawings of each kind, all of one place and one season.",
}
### END SOLUTION

# %% grade="cap-card"
check("cap-card", card=card, comparison=comparison)

# %% [markdown]
# The run has kept its own record: the recipe, the environment, the history, what was frozen, and the weights. Beside
# it goes the card. The recipe is also a plain script, for people who have no tlwidgets: the
# number below says how often it asks for it.

# %%
(run.path / "CARD.md").write_text("\n".join(f"- {name}: {value}" for name, value in card.items()), encoding="utf-8")
script = chosen.to_script()
script.count("import tlwidgets")

# %% [markdown]
# Does the record hold? Load it as somebody else would, and ask the loaded network about all test pictures.
#
# **C3** Not one answer changes by saving and loading.

# %%
again = tlw.Run.load(run.path)
claim("C3", changed_answers(data, run, again), "==", 0, says="answers that changed by saving and loading: none")

# %% [markdown]
# To keep it, copy the folder `run.path`, or give `tlw.fit` a path of your own. `tlw.load_backbone("run:<folder>")`
# makes it the start of the next task: what you have trained is now somebody's source.

# %% [markdown]
# ## When it fails
#
# The folder that was split by hand again. What does `troubles` say, and what share of the test pictures does
# `data.leaks()` *find* to be copies? (Ten were put there.)

# %%
troubles(by_hand), round(found / by_hand.splits["test"], 2)

# %% [markdown]
# Nothing else warns of that. Training runs, the curves look fine, the accuracy is *higher* than it should be, and the
# model card would repeat it in good faith. A number is worth what the check before it was worth.

# %% [markdown]
# ## Quiz
#
# [[question cap-q1]]

# %% solution="cap-q1"
### BEGIN SOLUTION
quiz("cap-q1", "a")
### END SOLUTION

# %% [markdown]
# [[question cap-q2]]

# %% solution="cap-q2"
### BEGIN SOLUTION
quiz("cap-q2", "b")
### END SOLUTION

# %% [markdown]
# [[question cap-q3]]

# %% solution="cap-q3"
### BEGIN SOLUTION
quiz("cap-q3", "b")
### END SOLUTION

# %% [markdown]
# ## What to take away
#
# - The order is: look at the data, name the rivals, train, judge, explain, record. Whoever trains first judges too
#   kindly.
# - "No difference can be shown" is a result. So is "worse than the pixels".
# - A model without its record is an anecdote.
#
# **Limits.** Two seeds and a hundred pictures make wide intervals; take five seeds where it matters. LIME works on a
# coarse grid on pictures as small as these. A network that is right in your folder may be wrong in the next street
# ([lesson 06](06_small_data.ipynb) says how to test for that).
#
# **Read on**
#
# - M. Mitchell and others, [Model cards for model reporting](https://arxiv.org/abs/1810.03993), 2019: what belongs
#   into a card; ours is the smallest that deserves the name.
# - M. T. Ribeiro and others, ["Why should I trust you?"](https://arxiv.org/abs/1602.04938), 2016: LIME.
# - S. Kapoor and A. Narayanan, [Leakage and the reproducibility crisis](https://arxiv.org/abs/2207.07048), 2022: what
#   leaks have done to published results.
#
# Next: your own pictures. Back to the start, the [Studio](00_studio.ipynb), takes any folder too.
