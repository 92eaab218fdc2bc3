"""Which image is for training, validation or testing: numpy only.

The source text of both functions is copied into the script a recipe prints, so neither refers to anything but these
imports.
"""

import numpy as np


def near_identical_groups(thumbnails: np.ndarray, sides: np.ndarray) -> np.ndarray:
    """Give near-identical images (copies, other sizes, re-saved JPEGs, slightly brighter ones) one group number.

    Two images belong together when their thumbnails, brightness aside, differ by less than 0.15 of their contrast;
    pairs worth comparing are found by a 56-bit difference hash that may differ in two bits. Images below 32 pixels
    hold too little for that (all drawings of a digit look alike) and are grouped only when equal. Mirrored, cropped
    and moved copies are not found.

    Args:
        thumbnails: uint8 (N, 16, 16, 3), see ``thumbnail``.
        sides: (N,) longest side of each image in pixels.

    Returns:
        int64 (N,): the lowest index among an image's near-identical ones.
    """
    count = len(thumbnails)
    light, contrast = np.empty((2, count), dtype=np.float32)
    bits = np.empty((count, 56), dtype=bool)
    for some in np.array_split(np.arange(count), 1 + count // 4096):  # few at a time, for the memory
        grey = thumbnails[some].mean(axis=3, dtype=np.float32)
        light[some], contrast[some] = grey.mean(axis=(1, 2)), grey.std(axis=(1, 2))
        blocks = grey.reshape(len(some), 8, 2, 8, 2).mean(axis=(2, 4))
        bits[some] = (blocks[:, :, 1:] > blocks[:, :, :-1] + 4).reshape(len(some), 56)
    allowed = np.where(sides < 32, 0.0, np.minimum(4.0, 0.15 * contrast))
    weights = 2 ** np.arange(56, dtype=np.int64)
    pairs = [np.empty((0, 2), dtype=np.int64)]
    for band in np.array_split(np.arange(56), 3):  # hashes two bits apart agree in at least one of three bands
        key = bits[:, band] @ weights[band]
        order = np.lexsort((light, bits @ weights, key))
        for step in range(1, min(count, 33)):  # within a band only the 32 nearest by hash and brightness: linear in N
            near = np.stack([order[:-step], order[step:]], axis=1)
            limit = 2 * allowed[near].min(axis=1)
            near = near[(key[near[:, 0]] == key[near[:, 1]]) & (np.abs(light[near[:, 0]] - light[near[:, 1]]) <= limit)]
            for some in np.array_split(near, 1 + len(near) // 4096):
                change = thumbnails[some[:, 0]].astype(np.float32) - thumbnails[some[:, 1]]
                change = np.abs(change - change.mean(axis=(1, 2, 3), keepdims=True)).mean(axis=(1, 2, 3))
                pairs.append(some[change <= allowed[some].min(axis=1)])
    left, right = np.concatenate(pairs).T
    groups = np.arange(count)
    while True:  # connected components: the lowest index spreads along the pairs
        lowest = np.minimum(groups[left], groups[right])
        spread = groups.copy()
        np.minimum.at(spread, left, lowest)
        np.minimum.at(spread, right, lowest)
        spread = spread[spread]
        if np.array_equal(spread, groups):
            return groups
        groups = spread


def split_samples(
    labels: np.ndarray,
    groups: np.ndarray,
    given: np.ndarray | None = None,
    val: float = 0.15,
    test: float = 0.15,
    seed: int = 0,
    labels_per_class: int | None = None,
) -> np.ndarray:
    """Deal images into train, val and test: class by class, seeded, whole groups only.

    Args:
        labels: int64 (N,) class numbers.
        groups: int64 (N,) images with one number stay in one split.
        given: (N,) "train", "val" or "test", where that is decided already; a split it lacks is dealt from its "train".
        val: Share of each class for validation, 0 to 1. Raise it when validation accuracy jumps about.
        test: Share of each class for testing, 0 to 1.
        seed: Another seed, another deal.
        labels_per_class: Keep the labels of this many training images of each class; the others become "unlabelled".

    Returns:
        (N,) array of "train", "val", "test" or "unlabelled". Each class keeps at least one group in train.
    """
    rng = np.random.default_rng(seed)
    split = np.full(len(labels), "train", dtype="<U10") if given is None else given.astype("<U10")
    wanted = [(name, share) for name, share in (("test", test), ("val", val)) if share > 0 and name not in split]
    free = np.flatnonzero(split == "train")
    _, first, group_of, sizes = np.unique(groups[free], return_index=True, return_inverse=True, return_counts=True)
    owner, chosen = labels[free][first], np.full(len(first), "train", dtype="<U10")
    for label in np.unique(owner):
        mine = rng.permutation(np.flatnonzero(owner == label))
        spare = len(mine) - 1
        for name, share in wanted:
            target, taken = max(1, round(share * sizes[mine].sum())), 0
            for group in mine:
                if spare and chosen[group] == "train" and taken + sizes[group] / 2 <= target:
                    chosen[group], taken, spare = name, taken + sizes[group], spare - 1
    split[free] = chosen[group_of]
    for label in np.unique(labels) if labels_per_class else ():
        split[rng.permutation(np.flatnonzero((split == "train") & (labels == label)))[labels_per_class:]] = "unlabelled"
    return split
