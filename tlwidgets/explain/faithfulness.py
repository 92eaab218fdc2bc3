"""Whether the network needs what an explanation points at: cover it, and see what becomes of the answer.

Samek et al. (2017), "Evaluating the visualization of what a deep neural network has learned", arXiv 1509.06321: pixels
are covered in the order of the explanation. Beside it stands what covering as many pixels elsewhere does, because
covering anything does something.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from tlwidgets.backbones import Backbone
from tlwidgets.errors import TlwError
from tlwidgets.explain.explaining import network_of, probabilities
from tlwidgets.explain.explanation import Explanation
from tlwidgets.training import Run

PLACES = 16  # random covers to compare with
TELLING = 0.05  # difference of probability below which covering the one or the other comes to the same


@dataclass(frozen=True)
class Faithfulness:
    """What covering does to the probability of the target.

    Attributes:
        whole: Of the image as it is, in [0, 1].
        covered: With the pixels covered that the explanation names first.
        elsewhere: With as many pixels covered in patches at random places: the mean of ``PLACES`` covers.
    """

    whole: float
    covered: float
    elsewhere: float

    @property
    def faithful(self) -> bool:
        """Whether the named pixels matter more than others, by at least ``TELLING``."""
        return self.elsewhere - self.covered >= TELLING

    def __str__(self) -> str:
        verdict = "it points at what counts" if self.faithful else "that does not show that it points at what counts"
        return (
            f"Covering what it names takes the answer from {self.whole:.0%} to {self.covered:.0%}; "
            f"covering as much elsewhere, to {self.elsewhere:.0%}: {verdict}."
        )


def faithfulness(
    network: Run | Backbone | str | Path, explanation: Explanation, share: float = 0.2, seed: int = 0
) -> Faithfulness:
    """Covers what an explanation names, with the mean colour of the image.

    Args:
        network: The network that was explained, or the folder of its run.
        explanation: Of one of its answers.
        share: Of the pixels that is covered, in (0, 1).
        seed: Of the random places.

    Raises:
        TlwError: The share is out of range.
        RunError: There is no run in the folder.
        BackboneError: It is no network.
    """
    if not 0 < share < 1:
        raise TlwError(f"share={share} covers nothing or all.", "Give a share between 0 and 1, such as 0.2.")
    backbone = network_of(network)
    names = backbone.classes or tuple(str(number) for number in range(backbone.num_classes))
    size = max(1, round(share * explanation.heat.size))
    rng = np.random.default_rng(seed)
    orders = [explanation.heat, *(_patches(explanation.heat.shape, rng) for _ in range(PLACES))]
    images = np.stack([explanation.seen, *(_cover(explanation.seen, order, size) for order in orders)])
    found = probabilities(backbone, torch.from_numpy(images.transpose(0, 3, 1, 2).copy()))
    whole, covered, *elsewhere = found[:, names.index(explanation.target)]
    return Faithfulness(float(whole), float(covered), float(np.mean(elsewhere)))


def _cover(seen: np.ndarray, order: np.ndarray, size: int) -> np.ndarray:
    covered = seen.copy()
    first = np.argsort(-order, axis=None, kind="stable")[:size]
    covered.reshape(-1, 3)[first] = seen.mean(axis=(0, 1)).round()
    return covered


def _patches(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Random heat (H, W) in eight by eight patches: single pixels at random would be covered by their neighbours."""
    coarse = rng.random((8, 8))
    rows, columns = (np.arange(side) * 8 // side for side in shape)
    patches: np.ndarray = coarse[rows][:, columns]
    return patches
