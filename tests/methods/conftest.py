"""What the tests of methods share: the network and the images that a method is made for, and a batch of them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import tlwidgets as tlw
from tlwidgets.training import Batch
from tlwidgets.training.method import Setting


@pytest.fixture
def setting(recipe: tlw.Recipe) -> Setting:
    """The tiny network with its "pre-trained" weights and a new head of three classes, and the stripes."""
    torch.manual_seed(0)
    return Setting(tlw.load_backbone(recipe.backbone, num_classes=3), recipe.data, recipe)


@pytest.fixture
def batch(setting: Setting) -> Batch:
    """The first twelve images."""
    indices = np.arange(12)
    prepared = setting.backbone.preprocessing.prepare_all(setting.data.images(indices))
    images = setting.backbone.preprocessing.normalise(prepared)
    return Batch(images, torch.from_numpy(setting.data.labels[indices]), indices)
