# %% [markdown]
# # 00 · The Studio: seven steps of transfer learning
#
# **About 30 minutes** · runs in under a minute on one CPU core · no network needed · you need some Python
#
# After this lesson you can
#
# 1. fine-tune a pre-trained network by clicks, and watch and steer it while it learns;
# 2. name the seven steps that you took, and write each as a line of code;
# 3. read the result honestly: against a baseline, on images that nothing was learned from.
#
# This lesson proves two claims, **C1** and **C2**. The notebook stops if its own numbers do not bear them out.

# %% [markdown]
# ## Two hundred slips
#
# Nia helps out at the town library. When a book comes back, somebody scribbles the number of its shelf on a slip, and
# on Fridays Nia types them all in. Two hundred slips she has typed already. Could the computer read the rest? It could
# learn from her two hundred, but it need not begin with nothing: somebody else's network has learned to look at drawn
# signs already. Borrowing it is **transfer learning**, and there is a workbench for it.
#
# ## Here is the Studio
#
# Run the next cell (Shift+Enter). Pick a backbone, say which stages may learn, press **Start**. While it trains you
# can go on reading and running the cells below.

# %%
import tlwidgets as tlw

studio = tlw.Studio("digits")
studio

# %% [markdown]
# Things to try:
#
# - Freeze everything but the head and start. Then let more stages learn and start again. Which reads digits better?
# - Move the learning rate while it trains. What does the curve of the loss do?
# - Press **Show code**: what you clicked together is a *recipe*, and the recipe is a plain script.
#
# The rest of this lesson takes the same seven steps in code, one at a time.

# %%
from tlwidgets.exercises import check, claim, line_chart, picture, predict, quiz, reveal, say

# %% [markdown]
# ## Step 1: choose a pre-trained model
#
# A **backbone** is a network that has already learned something. This one comes with the package; it learned to
# tell drawn letters, scribbles, shapes and textures from each other. It has never seen a digit.

# %%
backbone = tlw.load_backbone("tlw_resnet")
[stage.name for stage in backbone.stages]

# %% [markdown]
# An image passes through these **stages** from left to right. Early ones find edges and strokes, later ones whole
# shapes. The **head** is the last: it gives one number for each class that the network knows.

# %% [markdown]
# ## Step 2: define the task
#
# The task: look at a small scan, name the digit. Twenty labelled images of each digit are there to learn from.

# %%
data = tlw.load_data("digits", labels_per_class=20)
data.classes, data.splits

# %% [markdown]
# Somebody who guesses is right once in ten times: **0.10** is the baseline that any result has to beat.

# %% [markdown]
# ## Step 3: prepare the data
#
# `train` is learned from, `val` is looked at while training, `test` is kept for the end. No image, and no near copy of
# one, stands in two of them.

# %%
picture(data.show(20), alt="Twenty small grey pictures of handwritten digits, coarse but readable")

# %%
len(data.leaks())

# %% [markdown]
# Our scans are 8 by 8 pixels. The backbone was trained on larger pictures, with brightness counted in its own way,
# so every image is prepared the backbone's way before it goes in:

# %%
backbone.preprocessing.prepare(data.image(0)).shape

# %% [markdown]
# ## Step 4: adapt the head
#
# The old head answers with letters and shapes. We need ten digits, so it is replaced by a new one that knows nothing
# yet. Everything below it stays.

# %%
adapted = tlw.load_backbone("tlw_resnet", num_classes=10)
adapted.num_classes

# %% [markdown]
# [[question studio-p1]]

# %% solution="studio-p1"
### BEGIN SOLUTION
predict("studio-p1", "b", confidence=0.7)
### END SOLUTION

# %% [markdown]
# ## Step 5: freeze layers
#
# A **frozen** stage does not change while the network trains. A plan says for each stage whether it is frozen or
# learns; here only the new head learns.

# %%
plan = tlw.FreezePlan(adapted).freeze_until("stage4")
plan.table()

# %% [markdown]
# **Exercise (modify).** Make a plan that freezes the stem, `stage1` and `stage2`, and lets the rest learn. Put its
# `.states` into `states`.

# %% solution="studio-freeze"
### BEGIN SOLUTION
states = tlw.FreezePlan(backbone).freeze_until("stage2").states
### END SOLUTION

# %% grade="studio-freeze"
check("studio-freeze", states=states)

# %% [markdown]
# ## Step 6: train with small learning rates
#
# The **learning rate** says how far a weight moves at each step. A new head has far to go and takes large steps;
# pre-trained stages are nearly right and should take small ones. First the head alone:

# %%
head_only = tlw.Recipe(data=data, backbone="tlw_resnet", plan=plan, epochs=8, learning_rate=1e-2, seed=0)
run = tlw.fit(head_only, progress=False)

# %%
line_chart(
    run.history["epoch"],
    {"training images": run.history["train_loss"], "validation images": run.history["val_loss"]},
    across="epoch (one pass over the training images)",
    up="loss: how wrong, on average",
    alt="Two falling lines: the loss on training and on validation images, epoch by epoch.",
)

# %% [markdown]
# Did the frozen stages really stay as they were? We compare every number in them with the backbone as it came.
#
# [[question studio-p2]]

# %% solution="studio-p2"
### BEGIN SOLUTION
predict("studio-p2", "c", confidence=0.6)
### END SOLUTION

# %% [markdown]
# **C1** Training moved no number of a frozen stage, not even by one bit.

# %%
before = tlw.load_backbone("tlw_resnet").model.state_dict()
after = run.backbone.model.state_dict()
frozen = [name for stage in backbone.stages[:-1] for name in (*stage.parameter_names, *stage.buffer_names)]
moved = [name for name in frozen if not before[name].equal(after[name])]
claim("C1", len(moved), "==", 0, says="frozen numbers that moved: none")

# %%
reveal("studio-p2")

# %% [markdown]
# Now the same with random stages below the head. Frozen as well, with a new head of the same shape, the same images
# and the same steps:

# %%
random_stages = tlw.fit(head_only.replace(pretrained=False), progress=False)

# %% [markdown]
# **C2** A new head on frozen pre-trained stages reads more test images correctly than one on frozen random stages:
# at least 40 in every 100 more.

# %%
claim(
    "C2",
    run.metrics["test"]["accuracy"],
    ">",
    random_stages.metrics["test"]["accuracy"],
    margin=0.4,
    says="a head on pre-trained stages beats a head on random ones",
)

# %%
reveal("studio-p1")

# %% [markdown]
# **Exercise (make).** Soon everything will learn. Choose two learning rates for it: `head_rate` for the new head,
# between 0.001 and 0.05, and `stages_rate` for the pre-trained stages, about a tenth of it.

# %% solution="studio-rates"
### BEGIN SOLUTION
head_rate, stages_rate = 0.01, 0.001
### END SOLUTION

# %% grade="studio-rates"
check("studio-rates", head_rate=head_rate, stages_rate=stages_rate)

# %% [markdown]
# ## Step 7: evaluate, then unfreeze more
#
# How well does it read images that it has not learned from? And which ones does it get wrong? (Strictly, three runs
# looked at on one test set are two too many. To learn how it works that does no harm; for a result to be reported,
# choose on `val`, and look at `test` once.)

# %% tags=["nbval-ignore-output"]
run.wrongest(5)[["sample_id", "label", "predicted", "confidence"]].round(2)

# %% [markdown]
# Each row is a test image: what it shows, what the network took it for, and how sure it was. Now let everything
# learn, the head with its large steps, the pre-trained stages with steps ten times smaller (`backbone_scale=0.1`).

# %%
everything = head_only.replace(plan=None, learning_rate=1e-2, backbone_scale=0.1)
unfrozen = tlw.fit(everything, progress=False)

# %% tags=["nbval-ignore-output"]
say(
    f"Out of a hundred test images the head alone read **{100 * run.metrics['test']['accuracy']:.0f}** correctly, the "
    f"unfrozen network **{100 * unfrozen.metrics['test']['accuracy']:.0f}**, and the head on random stages "
    f"**{100 * random_stages.metrics['test']['accuracy']:.0f}**. Guessing gives 10."
)

# %% [markdown]
# Did unfreezing help? Among a few hundred test images, a few in a hundred more or less can be luck: look at the
# numbers above with that in mind. What decided here is *what the training started from*.
# [Lesson 04](04_freeze_board.ipynb), on the freeze board, takes the question up.

# %% [markdown]
# ## When it fails
#
# Freeze everything, and there is nothing left to learn. tlwidgets says so before it starts:

# %%
try:
    tlw.fit(head_only.replace(plan=tlw.FreezePlan(adapted).freeze_until("head")), progress=False)
except tlw.errors.PlanError as error:
    message = str(error)
message

# %% [markdown]
# ## Quiz
#
# [[question studio-q1]]

# %% solution="studio-q1"
### BEGIN SOLUTION
quiz("studio-q1", "b")
### END SOLUTION

# %% [markdown]
# [[question studio-q2]]

# %% solution="studio-q2"
### BEGIN SOLUTION
quiz("studio-q2", "b")
### END SOLUTION

# %% [markdown]
# [[question studio-q3]]

# %% solution="studio-q3"
### BEGIN SOLUTION
quiz("studio-q3", "b")
### END SOLUTION

# %% [markdown]
# ## What to take away
#
# Choose a model, define the task, prepare the data its way, give it a new head, freeze, train with small steps,
# then evaluate and unfreeze more. The Studio and the code do the same: **Show code** prints one from the other.
#
# **Limits.** Ten digits at 8 by 8 pixels is a small task for a small network. With photographs and a large backbone
# the steps stay the same and each takes longer.
#
# **Read on**
#
# - [Transfer learning and fine-tuning](https://keras.io/guides/transfer_learning/), the Keras guide by F. Chollet:
#   the same steps with photographs.
# - J. Yosinski and others, [How transferable are features in deep neural
#   networks?](https://arxiv.org/abs/1411.1792), 2014.
#
# Next: [01 · What transfers?](01_what_transfers.ipynb)
