# %% [markdown]
# # 04 · Fine-tuning and the freeze board
#
# **About 45 minutes** · runs in under a minute on one CPU core · no network needed · you need
# [lesson 03](03_feature_extraction.ipynb)
#
# After this lesson you can
#
# 1. choose which stages of a network learn, on the freeze board and in code, and count what learns;
# 2. find out which stage is worth unfreezing, instead of guessing;
# 3. name what has to stand still in a frozen stage, and freeze one correctly in plain PyTorch.
#
# This lesson proves four claims, **C1** to **C4**. The notebook stops if its own numbers do not bear them out.

# %% [markdown]
# ## Leyla's four pens, again
#
# In the last lesson a frozen network read Leyla's digits well, but often mistook her red pen for her blue one: it had
# learned to look past colour. A frozen network cannot learn to look again. But who says that all of it must be
# frozen? **Fine-tuning** lets some of the stages, or all, go on learning on the new images.
#
# Yusuf has labelled five slips of each ink. That is twenty images, for a network of about 700,000 numbers.

# %%
import tlwidgets as tlw
from tlwidgets.exercises import check, claim, predict, quiz, reveal, say
from tlwidgets.exercises.experiments.freeze_board import (
    STAGES,
    explore_plans,
    moved_numbers,
    one_stage_each,
    reading,
    recipe,
)

# %% [markdown]
# ## The freeze board
#
# Each row is a stage, from the input at the top to the head at the bottom. Switch a stage between *frozen* and
# *trainable* and watch the number of trainable parameters. (Two more states lie between the two; they come up
# below.)

# %%
backbone = tlw.load_backbone("tlw_resnet", num_classes=4)
board = tlw.FreezeBoard(backbone)
board

# %% [markdown]
# The same in code, for instance with only the new head learning:

# %%
board.head_only()
board.trainable_parameters, board.total_parameters

# %% [markdown]
# The head has one weight for each of 192 features and each of 4 inks, and one more number for each ink: 772. Where
# do all the others live?

# %%
board.plan.table()[["stage", "state", "parameters", "trainable"]]

# %% [markdown]
# ## Predict
#
# [[question fb-p1]]

# %% solution="fb-p1"
### BEGIN SOLUTION
predict("fb-p1", "a", confidence=0.7)
### END SOLUTION

# %% [markdown]
# ## Run
#
# Every run makes forty steps on the same twenty slips, with the same learning rate wherever something learns. First
# the head alone, then the head with one stage, each in its turn, then everything.

# %%
recipe("ink", learning=["stem"]).plan

# %%
table = one_stage_each("ink")

# %% tags=["nbval-ignore-output"]
table.round(2)

# %% [markdown]
# **C1** Letting the stem learn besides the head names at least 35 inks in every 100 more correctly than the head
# alone.

# %%
accuracy = table["accuracy"]
claim("C1", accuracy["stem"], ">", accuracy["nothing"], margin=0.35, says="letting the stem learn brings the ink back")

# %% [markdown]
# **C2** It names at least 20 in every 100 more than letting `stage4` learn, which has hundreds of times as many
# numbers.

# %%
claim(
    "C2", accuracy["stem"], ">", accuracy["stage4"], margin=0.2, says="for the ink, the stem is worth more than stage4"
)

# %%
reveal("fb-p1")

# %% [markdown]
# ## Explore

# %%
explorer = explore_plans(table)
explorer

# %% [markdown]
# ## Why?
#
# Go down the column of accuracies: the stem helps most and `stage4` far less (**C2**). The filters of the stem are the
# only part that ever meets red, green and blue; what they pass on only faintly is hard for any later stage to win
# back. When the *input* looks different from what the source was like, unfreeze early; when the images look alike and
# only the *question* is another, late stages and the head will do. So "freeze the early layers" is a good habit and no
# law.
#
# The usual reason for the habit is cost. What lies in front of the first stage that learns is the same in every
# epoch (unless the images are augmented), so tlwidgets computes it once for each image; with the stem unfrozen, nothing
# can be kept.

# %% [markdown]
# ## Exercise (modify): a small plan
#
# The slips are to be sorted on an old telephone, where at most 5,000 numbers may learn. Make a plan that can still
# learn the inks, and put its `.states` into `states`. `stages` has the names of the stages, `sizes` how many numbers
# each has.

# %%
sizes = {row["name"]: row["parameters"] for row in board.stages}
stages = list(sizes)
sizes

# %% solution="fb-plan"
### BEGIN SOLUTION
states = tlw.FreezePlan(stages, {"*": "frozen", "stem": "trainable", "head": "trainable"}).states
### END SOLUTION

# %% grade="fb-plan"
check("fb-plan", states=states, sizes=sizes)

# %% [markdown]
# ## What does frozen mean?
#
# In PyTorch a parameter with `requires_grad = False` gets no gradient, and many a script calls that freezing.
#
# [[question fb-p2]]

# %% solution="fb-p2"
### BEGIN SOLUTION
predict("fb-p2", "a", confidence=0.8)
### END SOLUTION

# %%
short_way = moved_numbers(by_plan=False)
by_plan = moved_numbers(by_plan=True)

# %% [markdown]
# **C3** With only the gradients off, at least 20 tensors of the frozen stages have moved after one look at twenty
# slips.

# %%
claim("C3", short_way, ">", 0, margin=20, says="tensors that moved although their gradients were off")

# %% [markdown]
# **C4** Under a freeze plan none has, not by one bit.

# %%
claim("C4", by_plan, "==", 0, says="tensors that moved under a freeze plan: none")

# %%
reveal("fb-p2")

# %%
say(f"Gradients off: **{short_way}** tensors moved. Freeze plan: **{by_plan}**.")

# %% [markdown]
# Between the stages' filters stand *batch norm* layers. They bring what passes to a common scale, and for that they
# keep a **running** mean and variance: in training mode each batch shifts them a little, with or without gradients.
# So a network "frozen" the short way slowly becomes another network. A batch norm layer rests in *evaluation* mode
# only, and `model.train()`, which most loops call at every epoch, ends that. A freeze plan holds it there, and every
# run of tlwidgets compares all frozen numbers before and after, and fails loudly if one has moved.

# %% [markdown]
# ## Exercise (make): freeze it yourself
#
# Write `freeze(part)` for any part of a PyTorch network, such as `backbone.model.layer1`: afterwards no parameter of
# it asks for a gradient, and its running statistics rest when images pass.


# %% solution="fb-freeze"
### BEGIN SOLUTION
def freeze(part):
    for parameter in part.parameters():
        parameter.requires_grad_(False)
    part.train(False)


### END SOLUTION

# %% grade="fb-freeze"
check("fb-freeze", freeze=freeze)

# %% [markdown]
# This lasts until the next `model.train()`. Call it again after each of those, or the layers wake up.

# %% [markdown]
# ## When it fails: nothing to bring back
#
# Now the other question about the same slips: not the ink but the *digit*. Does unfreezing pay here as well?
#
# [[question fb-p3]]

# %% solution="fb-p3"
### BEGIN SOLUTION
predict("fb-p3", "a", confidence=0.5)
### END SOLUTION

# %%
digit = {"the head alone": reading("digit"), "head and stem": reading("digit", ("stem",))}
digit["everything"] = reading("digit", STAGES)

# %% tags=["nbval-ignore-output"]
say("Of a hundred digits: " + ", ".join(f"{name} **{100 * value:.0f}**" for name, value in digit.items()) + ".")

# %%
assert max(abs(value - digit["the head alone"]) for value in digit.values()) < 0.1

# %% [markdown]
# The line above asserts that no plan gained or lost as much as 10 in a hundred over the head alone; with the ink, the
# stem gained more than 35 (**C1**). The frozen stages already pass on what a digit needs. More freedom is no gain by
# itself: every number that learns has to be pinned down by the same few labels, and it costs time. Ask what is missing
# before you unfreeze.

# %%
reveal("fb-p3")

# %% [markdown]
# ## Between frozen and trainable
#
# - `"norm"`: only the scale and shift of the batch norm layers learn; their running statistics rest.
# - `"lora"`: a small *adapter* learns beside each layer, which itself rests.

# %%
board.states = dict.fromkeys(STAGES, "norm") | {"head": "trainable"}
board.trainable_parameters

# %% [markdown]
# That is every stage, with a small share of its numbers. Try it on the inks: `recipe("ink").replace(plan=board.plan)`.

# %% [markdown]
# ## Quiz
#
# [[question fb-q1]]

# %% solution="fb-q1"
### BEGIN SOLUTION
quiz("fb-q1", "c")
### END SOLUTION

# %% [markdown]
# [[question fb-q2]]

# %% solution="fb-q2"
### BEGIN SOLUTION
quiz("fb-q2", "a")
### END SOLUTION

# %% [markdown]
# [[question fb-q3]]

# %% solution="fb-q3"
### BEGIN SOLUTION
quiz("fb-q3", "b")
### END SOLUTION

# %% [markdown]
# ## What to take away
#
# - A plan says for each stage whether it learns. Count what learns, and compare plans on images kept aside.
# - Unfreeze where something is missing: at the input if the images look different, late if only the question is new.
# - Frozen means: no gradient, no moving statistics, no randomness (dropout, where there is any, is off). Check it, bit
#   by bit.
#
# **Limits.** Ink is a task made to show one thing clearly. On photographs with a network that knows colour, the gain
# of unfreezing is spread over many stages, and is smaller.
#
# **Read on**
#
# - Y. Lee and others, [Surgical fine-tuning improves adaptation to distribution
#   shifts](https://arxiv.org/abs/2210.11466), 2022: which block to tune for which kind of change, on large networks.
# - J. Yosinski and others, [How transferable are features in deep neural
#   networks?](https://arxiv.org/abs/1411.1792), 2014.
# - [Transfer learning and fine-tuning](https://keras.io/guides/transfer_learning/), the Keras guide: on batch norm
#   layers that must stay in inference mode.
# - E. J. Hu and others, [LoRA](https://arxiv.org/abs/2106.09685), 2021: the adapters.
#
# Next: [05 · Learning rates](05_learning_rates.ipynb)
