"""Lesson 26: a folder of pictures from its first look to a record that somebody else can check."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from PIL import Image

from tlwidgets.backbones import load_backbone
from tlwidgets.data import ImageData, load_data
from tlwidgets.data.generated.landcover import LANDCOVER
from tlwidgets.evaluation.baselines import pixel_regression
from tlwidgets.exercises.experiments.measured import MeasuredClaim, accuracy_of, remembered
from tlwidgets.exercises.explorer import explore
from tlwidgets.explain import Explanation, Faithfulness
from tlwidgets.freezing import FreezePlan
from tlwidgets.recipe import Recipe
from tlwidgets.training import Run, fit

LESSON = "26_capstone"
COPIES = 10
PER_CLASS = 40


def example_folder(folder: str | Path, seed: int = 0) -> Path:
    """Write a small folder of drawn air photographs, one sub-folder a class, as anybody's folder might be.

    Args:
        folder: where the sub-folders go; made where it is missing.
        seed: of the drawings.
    """
    folder = Path(folder)
    images, labels = LANDCOVER.make(seed, {"per_class": PER_CLASS})
    for number, (image, label) in enumerate(zip(images, labels, strict=True)):
        _save(image, folder / LANDCOVER.classes[label] / f"{number:03d}.png")
    return folder


def copied_folder(folder: str | Path, seed: int = 0, copies: int = COPIES) -> Path:
    """Write the same pictures with a split made by hand, in which some training pictures are tested too.

    Args:
        folder: where ``train`` and ``test`` go; made where they are missing.
        seed: of the drawings.
        copies: how many training pictures stand among the test pictures as well, a little brighter, under other names.
    """
    folder = Path(folder)
    images, labels = LANDCOVER.make(seed, {"per_class": PER_CLASS})
    half = len(images) // 2
    for number, (image, label) in enumerate(zip(images, labels, strict=True)):
        name = LANDCOVER.classes[label]
        _save(image, folder / ("train" if number < half else "test") / name / f"{number:03d}.png")
        if number < copies:
            brighter = np.clip(image.astype(int) + 2, 0, 255).astype(np.uint8)
            _save(brighter, folder / "test" / name / f"visit-{number:03d}.png")
    return folder


def _save(image: np.ndarray, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(path)


def first_recipe(data: ImageData) -> Recipe:
    """Write the recipe of the lesson: all stages of the small bundled network frozen, a new head, a few passes."""
    plan = FreezePlan(load_backbone("tlw_resnet")).freeze_until("stage4")
    return Recipe(data=data, backbone="tlw_resnet", plan=plan, epochs=12, learning_rate=1e-2, seed=0)


@remembered
def example(seed: int = 0) -> ImageData:
    """Load the example folder and leave nothing of it on disk."""
    with TemporaryDirectory() as folder:
        data = load_data(example_folder(folder, seed), val=0.1, test=0.6, seed=seed, progress=False)
        everything = np.stack(data.images(range(len(data))))
    source = (everything, data.labels)
    return load_data(source, val=0.1, test=0.6, seed=seed, classes=data.classes, progress=False)


def copies_found(data: ImageData) -> int:
    """Count the test images that are near copies of images in another split."""
    leaks = data.leaks()
    return int((leaks["split"] == "test").sum())


def changed_answers(data: ImageData, run: Run, again: Run) -> int:
    """Count the test images about which two runs' networks differ."""
    images = data.images(data.indices("test"))
    return sum(one != other for one, other in zip(run.predict(images), again.predict(images), strict=True))


def explore_explanations(found: dict[str, tuple[Explanation, Faithfulness]]) -> Any:
    """Move through explained pictures: what the network answers, and what covering the named places does to that.

    Args:
        found: by name of the picture.
    """

    def describe(name: str) -> str:
        explanation, covered = found[name]
        return f"{name}, taken for {explanation.predicted}. {covered}"

    return explore("picture", list(found), describe)


def worth(seed: int, sabotaged: bool) -> float:
    """Accuracy of the recipe minus that of a simple model on the pixels; sabotaged, the frozen stages are random."""
    recipe = first_recipe(example(seed)).replace(pretrained=not sabotaged, seed=seed)
    return accuracy_of(recipe) - float(pixel_regression(recipe, example(seed)).mean())


def copies_noticed(seed: int, sabotaged: bool) -> float:
    """Test images that are found to be copies; sabotaged, nobody has copied any."""
    with TemporaryDirectory() as folder:
        data = load_data(copied_folder(folder, seed, 0 if sabotaged else COPIES), val=0.0, progress=False)
        return float(copies_found(data))


def same_after_loading(seed: int, sabotaged: bool) -> float:
    """Minus the number of answers that differ once the run is loaded; sabotaged, another run is loaded."""
    data = example(seed)
    recipe = first_recipe(data)
    with TemporaryDirectory() as folder:
        run = fit(recipe, Path(folder) / "one", progress=False)
        other = fit(recipe.replace(pretrained=False), Path(folder) / "two", progress=False) if sabotaged else run
        return -float(changed_answers(data, run, Run.load(other.path)))


CLAIMS = (
    MeasuredClaim(LESSON, "C1", "a head on borrowed stages beats a simple model on the pixels", 0.1, worth),
    MeasuredClaim(LESSON, "C2", "copies among the test pictures are found", 7.0, copies_noticed),
    MeasuredClaim(LESSON, "C3", "answers that changed by saving and loading: none", 0.0, same_after_loading),
)
