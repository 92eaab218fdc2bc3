"""Explanations point at what was planted in the images, for every method and kind of network."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import tlwidgets as tlw
from tlwidgets.errors import BackboneError, DataError, TlwError
from tlwidgets.explain import METHODS, Explanation, explain, faithfulness

SIDE, CORNER = 32, slice(2, 10)


def _planted(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Even colours; half of the images carry a bright square in the upper left corner and are called "marked"."""
    rng = np.random.default_rng(seed)
    images = (rng.integers(60, 140, (n, 1, 1, 3)) + rng.integers(-5, 6, (n, SIDE, SIDE, 3))).astype(np.uint8)
    labels = np.arange(n) % 2
    images[labels == 1, CORNER, CORNER] = 255
    return images, np.array(["plain", "marked"])[labels]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tlw.Run:
    recipe = tlw.Recipe(data=tlw.load_data(_planted(120, 0)), epochs=4, batch_size=16, backbone_scale=1.0)
    return tlw.fit(recipe, tmp_path_factory.mktemp("explain") / "run", progress=False)


@pytest.fixture(scope="module")
def marked() -> np.ndarray:
    images, labels = _planted(10, 1)
    return images[labels == "marked"][0]


@pytest.mark.parametrize("method", METHODS)
def test_what_was_planted_is_found(run: tlw.Run, marked: np.ndarray, method: str) -> None:
    assert run.metrics["test"]["accuracy"] > 0.95
    found = explain(run, marked, method)
    assert (found.target, found.predicted, found.method) == ("marked", "marked", method)
    assert found.probability > 0.8
    side = run.backbone.preprocessing.input_size[-1]
    assert found.seen.shape == (side, side, 3)
    assert found.heat.shape == (side, side)
    assert np.abs(found.heat).max() == pytest.approx(1)
    inside = np.zeros((side, side), bool)
    inside[: side // 2, : side // 2] = True  # the square, and the reach of what covers its edge
    evidence = np.maximum(found.heat, 0)
    assert evidence[inside].sum() / evidence.sum() > 0.5, f"{inside.mean():.2f} of the area"
    assert "top, left" in found.alt


def test_covering_what_is_named_costs_the_answer_and_covering_elsewhere_does_not(
    run: tlw.Run, marked: np.ndarray
) -> None:
    found = explain(run, marked, "occlusion")
    measured = faithfulness(run, found)
    assert measured.faithful
    assert measured.covered < measured.elsewhere - 0.2
    assert measured.whole == pytest.approx(found.probability, abs=1e-5)
    turned = Explanation(**{**vars(found), "heat": found.heat[::-1, ::-1].copy()})
    assert faithfulness(run, turned).covered > measured.covered + 0.2
    assert "points at what counts" in str(measured)


def test_the_other_class_is_explained_by_the_absence(run: tlw.Run, marked: np.ndarray) -> None:
    found = explain(run, marked, "occlusion", target="plain")
    assert found.probability < 0.2
    assert found.heat[4:14, 4:14].mean() < -0.2


def test_the_same_seed_gives_the_same_and_nothing_is_changed(run: tlw.Run, marked: np.ndarray) -> None:
    backbone, before = run.backbone, marked.copy()
    state = {name: tensor.clone() for name, tensor in backbone.model.state_dict().items()}
    backbone.model.train()
    first, second = (explain(backbone, marked, "lime", effort=60, seed=3) for _ in range(2))
    assert np.array_equal(first.heat, second.heat)
    assert backbone.model.training
    assert all((tensor == state[name]).all() for name, tensor in backbone.model.state_dict().items())
    assert np.array_equal(marked, before)
    backbone.model.eval()


@pytest.mark.parametrize("name", ["tlw_vit", "test_vit.r160_in1k", "torchvision/squeezenet1_1"])
@pytest.mark.parametrize("method", METHODS)
def test_any_network_of_images_can_be_explained(name: str, method: str) -> None:
    backbone = tlw.load_backbone(name, pretrained=name.startswith("tlw"), num_classes=3)
    image = np.random.default_rng(0).integers(0, 256, (70, 90, 3)).astype(np.uint8)
    found = explain(backbone, image, method, target="1", effort=20)
    assert found.target == "1"
    assert np.isfinite(found.heat).all()
    assert found.overlay().shape == found.seen.shape


def test_pictures_are_drawn_without_pyplot(run: tlw.Run, marked: np.ndarray, tmp_path: Path) -> None:
    found = explain(run, marked, "integrated_gradients")
    found.figure().savefig(tmp_path / "figure.png")
    assert (tmp_path / "figure.png").stat().st_size > 1000
    flat = Explanation("lime", "$x$", 0.5, "<b>", found.seen, np.zeros_like(found.heat))
    flat.figure().savefig(tmp_path / "odd names.png")
    assert "no part" in flat.alt


def test_what_cannot_be_explained_is_refused(run: tlw.Run, marked: np.ndarray) -> None:
    with pytest.raises(TlwError, match="no explanation 'shap'"):
        explain(run, marked, "shap")
    with pytest.raises(TlwError, match="no class 'cat'"):
        explain(run, marked, target="cat")
    with pytest.raises(DataError, match="float64"):
        explain(run, marked / 255)
    with pytest.raises(BackboneError, match="has no head"):
        explain(tlw.load_backbone("tlw_resnet", num_classes=0), marked)
    with pytest.raises(TlwError, match="effort=5"):
        explain(run, marked, effort=5)
    with pytest.raises(TlwError, match="share=0"):
        faithfulness(run, explain(run, marked, "occlusion"), share=0)


def test_the_public_name_can_be_called_whatever_was_imported_first() -> None:
    code = "import tlwidgets as tlw, tlwidgets.explain; assert callable(tlw.explain)"
    subprocess.run([sys.executable, "-c", code], check=True)
