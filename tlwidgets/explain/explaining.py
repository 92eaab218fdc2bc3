"""Explains what a network says of one image, by LIME, occlusion or gradients.

Ribeiro, Singh, Guestrin (2016), "Why should I trust you?", arXiv 1602.04938 (LIME); Zeiler and Fergus (2014),
"Visualizing and understanding convolutional networks", arXiv 1311.2901 (occlusion); Sundararajan, Taly, Yan (2017),
"Axiomatic attribution for deep networks", arXiv 1703.01365 (integrated gradients). None of them needs to know how the
network is built, so they work for every backbone of images.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from tqdm import tqdm

from tlwidgets.backbones import Backbone
from tlwidgets.backbones.backbone import evaluating
from tlwidgets.backbones.preprocessing import Preprocessing
from tlwidgets.data.picture import as_picture
from tlwidgets.errors import BackboneError, TlwError
from tlwidgets.explain.explanation import Explanation
from tlwidgets.training import Run
from tlwidgets.training.run import as_run

BATCH = 64  # images a forward pass
TILES = 6  # rows and columns of the grid into which LIME cuts images too small for regions of like colour
SMALL = 64  # pixels; below that side, there are none


@dataclass(frozen=True)
class Subject:
    """A network and one image, ready to be asked.

    Attributes:
        backbone: The network, with a head.
        seen: uint8 (3, H, W), the image as it enters the network.
        target: Number of the class to explain.
        effort: How many changed images, or steps, a method may try.
        seed: Of what is drawn.
    """

    backbone: Backbone
    seen: torch.Tensor
    target: int
    effort: int
    seed: int

    def probabilities(self, images: np.ndarray) -> np.ndarray:
        """Class probabilities (N, C) of images as they enter the network, uint8 (N, H, W, 3)."""
        return probabilities(self.backbone, torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2))))


def explain(
    network: Run | Backbone | str | Path,
    image: Any,
    method: str = "lime",
    target: str | None = None,
    *,
    effort: int = 300,
    seed: int = 0,
) -> Explanation:
    """Finds what an answer rests on.

    Args:
        network: A run or its folder, or a backbone with a head.
        image: uint8 (H, W, 3), or (H, W) grey; or the path of a picture file.
        method: "lime" (which regions, by leaving some out at random and fitting a linear model), "occlusion" (which
            places, by covering one after the other) or "integrated_gradients" (which pixels, by gradients on the way
            from grey to the image).
        target: Name of the class to explain; None takes the network's own answer.
        effort: Images that "lime" tries, at least 20; more make it steadier. The others need no choice.
        seed: Of what "lime" leaves out.

    Returns:
        The explanation.

    Raises:
        BackboneError: The network reads texts, has no head, or is none.
        RunError: There is no run in the folder.
        DataError: The image is no uint8 picture.
        TlwError: There is no such method or class.
    """
    if method not in METHODS:
        raise TlwError(f"There is no explanation {method!r}.", f"Choices: {', '.join(METHODS)}.")
    if effort < 20:
        raise TlwError(f"effort={effort} tries too little to tell anything.", "Give at least 20.")
    backbone, preprocessing, names = _network(network)
    seen = preprocessing.prepare(as_picture(image))
    found = probabilities(backbone, seen[None])[0]
    number = int(found.argmax()) if target is None else _number(target, names)
    heat = METHODS[method](Subject(backbone, seen, number, effort, seed))
    largest = float(np.abs(heat).max())
    heat = (heat / largest if largest > 0 else heat).astype(np.float32)
    answer = names[int(found.argmax())]
    pixels = np.ascontiguousarray(seen.permute(1, 2, 0).numpy())
    return Explanation(method, names[number], float(found[number]), answer, pixels, heat)


def probabilities(backbone: Backbone, seen: torch.Tensor) -> np.ndarray:
    """Class probabilities (N, C) of prepared images, uint8 (N, 3, H, W)."""
    device, parts = next(backbone.model.parameters()).device, []
    with evaluating(backbone.model), torch.inference_mode():
        for start in range(0, len(seen), BATCH):
            some = seen[start : start + BATCH]
            parts.append(backbone.model(backbone.preprocessing.normalise(some.to(device))).float().softmax(1).cpu())
    found: np.ndarray = torch.cat(parts).numpy()
    return found


def _lime(subject: Subject) -> np.ndarray:
    from lime import lime_image

    lime_image.tqdm = partial(tqdm, disable=True)  # nothing else turns its bar off
    pixels = subject.seen.permute(1, 2, 0).numpy()
    found = lime_image.LimeImageExplainer(random_state=subject.seed).explain_instance(
        pixels,
        subject.probabilities,
        labels=(subject.target,),
        top_labels=None,
        hide_color=pixels.mean(axis=(0, 1)).round(),
        num_samples=subject.effort,
        batch_size=BATCH,
        segmentation_fn=_regions,
        random_seed=subject.seed,
    )
    heat = np.zeros(pixels.shape[:2])
    for region, weight in found.local_exp[subject.target]:
        heat[found.segments == region] = weight
    return heat


def _regions(pixels: np.ndarray) -> np.ndarray:
    """Numbers (H, W) of regions: of like colour, or in a small image of tiles."""
    height, width = pixels.shape[:2]
    if min(height, width) < SMALL:
        rows, columns = np.arange(height) * TILES // height, np.arange(width) * TILES // width
        tiles: np.ndarray = rows[:, None] * TILES + columns
        return tiles
    from skimage.segmentation import slic

    found: np.ndarray = slic(pixels, n_segments=60, compactness=10, sigma=1, start_label=0)
    return found


def _occlusion(subject: Subject) -> np.ndarray:
    from captum.attr import Occlusion

    side = max(2, min(subject.seen.shape[1:]) // 6)
    found = _attributed(subject, Occlusion, sliding_window_shapes=(3, side, side), strides=(3, side // 2, side // 2))
    heat: np.ndarray = found[0]  # the same for every channel: they are covered together
    return heat


def _integrated_gradients(subject: Subject) -> np.ndarray:
    from captum.attr import IntegratedGradients

    heat: np.ndarray = _attributed(subject, IntegratedGradients, n_steps=32, internal_batch_size=BATCH).sum(axis=0)
    return heat


def _attributed(subject: Subject, kind: Callable[[nn.Module], Any], **options: Any) -> np.ndarray:
    """What a method of captum finds, (3, H, W), beside the mean colour of the pretraining, which is 0 here."""
    model = subject.backbone.model
    image = subject.backbone.preprocessing.normalise(subject.seen[None].to(next(model.parameters()).device))
    with evaluating(model):
        found = kind(_Probabilities(model)).attribute(image, target=subject.target, baselines=0, **options)
    attributed: np.ndarray = found[0].detach().float().cpu().numpy()
    return attributed


class _Probabilities(nn.Module):
    # Not logits: softmax does not change when all logits rise together, so what raises them all explains nothing.
    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        scores: torch.Tensor = self.model(images).softmax(1)
        return scores


METHODS: dict[str, Callable[[Subject], np.ndarray]] = {
    "lime": _lime,
    "occlusion": _occlusion,
    "integrated_gradients": _integrated_gradients,
}


def network_of(network: Run | Backbone | str | Path) -> Backbone:
    """The network to explain: a backbone as it is, or that of a run.

    Raises:
        RunError: There is no run in the folder.
        BackboneError: It is no network.
    """
    if isinstance(network, Run | str | Path):
        return as_run(network).backbone
    if not isinstance(network, Backbone):
        raise BackboneError(f"A {type(network).__name__} is no network.", "Give a run, its folder or a backbone.")
    return network


def _network(network: Run | Backbone | str | Path) -> tuple[Backbone, Preprocessing, tuple[str, ...]]:
    backbone = network_of(network)
    if not isinstance(backbone.preprocessing, Preprocessing):
        raise BackboneError(f"{backbone.name!r} reads texts.", "Give a network that reads images.")
    if not backbone.num_classes:
        raise BackboneError(f"{backbone.name!r} has no head, so it gives no answers.", "Train it on a task first.")
    names = backbone.classes or tuple(str(number) for number in range(backbone.num_classes))
    return backbone, backbone.preprocessing, names


def _number(target: str, names: tuple[str, ...]) -> int:
    if target not in names:
        raise TlwError(f"There is no class {target!r}.", f"Classes: {', '.join(names[:20])}.")
    return names.index(target)
