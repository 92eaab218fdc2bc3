"""Where a run or a picture is asked for, its path is as good; and what is neither is refused in words."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import tlwidgets as tlw
from tlwidgets.errors import BackboneError, DataError, RunError
from tlwidgets.training.run import as_run


@pytest.fixture(scope="module")
def run(tiny: str, stripes: tuple[np.ndarray, np.ndarray], tmp_path_factory: pytest.TempPathFactory) -> tlw.Run:
    root = tmp_path_factory.mktemp("paths")
    for number, (image, label) in enumerate(zip(*stripes, strict=True)):
        (root / "data" / str(label)).mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(root / "data" / str(label) / f"{number:02d}.png")
    recipe = tlw.Recipe(data=tlw.load_data(root / "data"), backbone=tiny, epochs=1)
    return tlw.fit(recipe, root / "run", progress=False)


TAKERS: dict[str, Callable[[Any], Any]] = {
    "run_metrics": tlw.run_metrics,
    "compare_runs": lambda run: tlw.compare_runs(run, run),
    "PredictionView": tlw.PredictionView,
    "ResultCard": tlw.ResultCard,
    "explain": lambda run: tlw.explain(run, np.zeros((16, 16, 3), np.uint8), "integrated_gradients"),
}


@pytest.mark.parametrize("take", TAKERS.values(), ids=TAKERS)
def test_the_folder_of_a_run_is_as_good_as_the_run(take: Callable[[Any], Any], run: tlw.Run) -> None:
    assert repr(take(str(run.path))) == repr(take(run.path)) == repr(take(run))


@pytest.mark.parametrize("take", TAKERS.values(), ids=TAKERS)
def test_what_is_no_run_is_refused_in_words(take: Callable[[Any], Any], tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no run in"):
        take(str(tmp_path / "nowhere"))
    with pytest.raises((RunError, BackboneError), match=r"A NoneType is no .*Give"):
        take(None)


def test_a_run_is_itself_and_a_session_is_none(run: tlw.Run, recipe: tlw.Recipe) -> None:
    assert as_run(run) is run
    with pytest.raises(RunError, match="A TrainingSession is no run"):
        as_run(tlw.TrainingSession(recipe))


def test_a_picture_is_explained_by_its_path_and_not_by_a_number(run: tlw.Run) -> None:
    path = next((run.path.parent / "data").rglob("*.png"))
    found = tlw.explain(run, path, "occlusion")
    assert np.array_equal(found.heat, tlw.explain(run, np.array(Image.open(path)), "occlusion").heat)
    assert tlw.faithfulness(run.path, found) == tlw.faithfulness(run, found)
    with pytest.raises(DataError, match=r"3 is no picture.*data\.image"):
        tlw.explain(run, 3)


def test_one_path_is_no_list_of_paths(tiny: str) -> None:
    for X in ("a.png", Path("a.png")):
        with pytest.raises(DataError, match=r"X is one path, 'a\.png'\. Give a list"):
            tlw.TransferClassifier(tiny).fit(X, ["a"])


@pytest.mark.parametrize("name", [None, 3, Path("weights")], ids=str)
def test_what_is_no_name_of_a_backbone_is_refused(name: Any) -> None:
    with pytest.raises(BackboneError, match=r'is no name of a backbone\. Give a name, such as "tlw_resnet"'):
        tlw.load_backbone(name)
