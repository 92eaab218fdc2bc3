"""AdaBN: BatchNorm takes its mean and variance from the target instead of the source.

Li, Wang, Shi, Liu, Hou (2016), "Revisiting batch normalization for practical domain adaptation", arXiv 1603.04779. What
a domain changes in brightness and contrast, channel by channel, is in these statistics; no weight learns, no label and
no source image is needed. Population statistics over all given images, exact for every layer. It assumes that both
domains hold the classes in like shares: statistics of one class alone make it look average.

Measured over five seeds (``benchmarks/results/methods.md``): accuracy on the target .97 on ``fogged_digits``, .12
before, worst gain +.79; .51 from .14 on ``sensor_digits``, as MCC, the best of those that train on the target too.
Where only two classes come, ``standardise`` loses .3 or more on pixels.

In a recipe the network learns from the source as in fine-tuning; its statistics are counted anew when that is over.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tlwidgets.backbones import Backbone
from tlwidgets.data import ImageData
from tlwidgets.data.features import check_features
from tlwidgets.errors import DataError
from tlwidgets.training.after_training import AfterTraining, alone
from tlwidgets.training.batch_statistics import Images, check_batch_norms, copied, set_population_statistics
from tlwidgets.training.method import Setting
from tlwidgets.training.target import Target

DATA_OPTIONS = ("target",)


def adapt(backbone: Backbone, images: Images, batch_size: int = 64) -> Backbone:
    """A copy of a trained network whose BatchNorm layers know the target; the given one stays as it is.

    Args:
        backbone: A trained network, such as ``run.backbone``.
        images: Images of the target without labels, (N, H, W, 3) uint8 or a sequence; at least two, better all there
            are.
        batch_size: Images a forward pass; does not change the result.

    Raises:
        BackboneError: The network has no BatchNorm with running statistics.
        DataError: There are fewer than two images.
    """
    adapted = copied(backbone)
    set_population_statistics(adapted, images, batch_size)
    return adapted


def standardise(features: Any, like: Any = None) -> np.ndarray:
    """AdaBN without a network: features with mean 0 and variance 1, by their own domain's numbers.

    Standardise the source by itself and the target by itself; a classifier of the first then suits the second where
    the domains differ by a gain and an offset in every feature.

    Args:
        features: (N, D).
        like: (M, D), whose mean and variance are used; the features' own by default.

    Returns:
        float64 (N, D); columns that do not vary become 0.

    Raises:
        DataError: The features are no numbers, do not fit, or are of fewer than two samples.
    """
    rows = check_features(features)
    known = rows if like is None else check_features(like)
    if len(known) < 2 or known.shape[1] != rows.shape[1]:
        raise DataError(
            f"Features {rows.shape} cannot be standardised by {known.shape}.", "Give two rows of the same width."
        )
    spread = known.std(0)
    scaled: np.ndarray = (rows - known.mean(0)) / np.where(spread > 0, spread, 1)
    return scaled


def make(setting: Setting, target: ImageData) -> AfterTraining:
    """Makes the method from a recipe's options.

    Args:
        setting: The run on the source.
        target: The other domain's images; see ``Target``.

    Raises:
        BackboneError: The network has no BatchNorm with running statistics.
    """
    check_batch_norms(setting.backbone)
    return AfterTraining(setting.backbone, Target(setting, target), alone(adapt))
