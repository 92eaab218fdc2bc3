import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tlwidgets.backbones import load_backbone
from tlwidgets.backbones.catalogue import WEIGHTS

BUNDLES = sorted(path.parent for path in WEIGHTS.glob("*/config.json"))
DRAWS, LABELS_A_CLASS, TEST = 5, 5, 900


def bundle_name(folder: Path) -> str:
    return folder.name


every_bundle = pytest.mark.parametrize("folder", BUNDLES, ids=bundle_name)


def test_the_general_backbone_is_bundled() -> None:
    assert "tlw_resnet" in [folder.name for folder in BUNDLES]


@every_bundle
def test_timm_loads_a_bundle_into_32_bit_floats_and_the_weights_are_those_of_the_file(folder: Path) -> None:
    torch.manual_seed(0)
    model = timm.create_model(f"local-dir:{folder}", pretrained=True)
    torch.manual_seed(1)
    again = timm.create_model(f"local-dir:{folder}", pretrained=True)
    for (name, tensor), other in zip(model.state_dict().items(), again.state_dict().values(), strict=True):
        assert tensor.dtype in (torch.float32, torch.int64), name
        assert torch.equal(tensor, other), name


@every_bundle
def test_the_card_states_the_sha256_of_the_file_and_how_to_make_it(folder: Path) -> None:
    card = (folder / "CARD.md").read_text()
    assert hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest() in card
    assert f"python -m tlwidgets.backbones.pretraining {folder.name}" in card
    assert "images seen" in card
    assert "DejaVu" in card
    assert "## Real images" in card


def test_the_readme_shows_the_figures_of_the_card() -> None:
    card = (WEIGHTS / "tlw_resnet" / "CARD.md").read_text().splitlines()
    measured = json.loads((WEIGHTS / "tlw_resnet" / "targets.json").read_text())["rows"]
    readme = (Path(__file__).parents[2] / "README.md").read_text().splitlines()
    rows = [line for line in readme if line.startswith(tuple(f"| {target} |" for target in measured))]
    assert len(rows) >= 3 * len(measured)
    assert set(rows) <= set(card)


@every_bundle
def test_a_bundle_is_at_most_two_megabytes(folder: Path) -> None:
    assert (folder / "model.safetensors").stat().st_size <= 2_000_000


def test_all_bundles_together_are_at_most_eight_megabytes() -> None:
    assert sum(file.stat().st_size for folder in BUNDLES for file in folder.iterdir()) <= 8_000_000


@every_bundle
def test_the_preprocessing_is_recorded_and_a_label_named_for_each_output(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    recorded = config["pretrained_cfg"]
    assert recorded["mean"] == [0.5] * 3
    assert recorded["std"] == [0.25] * 3
    assert 32 <= recorded["input_size"][1] <= 64
    assert len(recorded["label_names"]) == config["num_classes"]


def probe_digits(features: np.ndarray, labels: np.ndarray, draw: int, *, standardise: bool = True) -> float:
    train, test = train_test_split(np.arange(len(labels)), test_size=TEST, stratify=labels, random_state=0)
    order = np.random.default_rng(draw).permutation(train)
    rows = np.concatenate([order[labels[order] == digit][:LABELS_A_CLASS] for digit in range(10)])
    classifier = LogisticRegression(max_iter=2000)
    model = make_pipeline(StandardScaler(), classifier) if standardise else classifier
    return float(model.fit(features[rows], labels[rows]).score(features[test], labels[test]))


@pytest.mark.slow
def test_five_labels_a_digit_go_further_on_pretrained_features_than_on_random_ones_or_on_pixels() -> None:
    pixels, labels = load_digits(return_X_y=True)
    images = np.repeat(np.rint(pixels.reshape(-1, 8, 8, 1) * 255 / 16).astype(np.uint8), 3, axis=3)
    torch.manual_seed(0)
    trained = load_backbone("tlw_resnet").features(images)
    untrained = load_backbone("tlw_resnet", pretrained=False).features(images)
    scores = {
        "trained": np.mean([probe_digits(trained, labels, draw) for draw in range(DRAWS)]),
        "untrained": np.mean([probe_digits(untrained, labels, draw) for draw in range(DRAWS)]),
        "pixels": np.mean([probe_digits(pixels / 16, labels, draw, standardise=False) for draw in range(DRAWS)]),
    }
    assert scores["trained"] >= scores["untrained"] + 0.20, scores
    assert scores["trained"] > scores["pixels"], scores
