"""Feature extraction: the network describes, and only a linear head learns.

Donahue, Jia, Vinyals, Hoffman, Zhang, Tzeng, Darrell (2014), "DeCAF: a deep convolutional activation feature for
generic visual recognition", ICML, arXiv 1310.1531. With the backbone frozen its features are the same every epoch and
are computed once. The loss is convex: the head that gradient steps approach is the one that logistic regression on the
features finds at once (``exact_head``; with ``C`` both have the same L2 penalty). Where labels are few this is hard to
beat; where the domain is far from the source, fine-tuning is better.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from sklearn.linear_model import LogisticRegression
from torch import nn
from torch.nn import functional

from tlwidgets.data.features import check_support
from tlwidgets.errors import RecipeError
from tlwidgets.freezing import FreezePlan
from tlwidgets.training.method import Batch, Setting, StepResult
from tlwidgets.training.tapping import classifier_of

PLAN = {"*": "frozen", "head": "trainable"}


def exact_head(features: Any, labels: Any, C: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """The head that minimises the mean cross-entropy + ||W||^2 / (2 C N), as gradient steps with the same C approach.

    Args:
        features: (N, D) numbers.
        labels: (N,) class numbers, each from 0 to the highest at least once.
        C: Inverse strength of the penalty on all samples together, above 0.

    Returns:
        Weights (K, D) and biases (K,); of two classes for the softmax too.
    """
    rows, numbers = check_support(features, labels)
    model = LogisticRegression(C=C, max_iter=5000, tol=1e-8).fit(rows, numbers)
    if len(model.coef_) == 1:  # scikit-learn keeps the difference of two classes, penalised as one
        weights, biases = (np.concatenate([-part / 2, part / 2]) for part in (model.coef_, model.intercept_))
        return weights, biases
    return model.coef_, model.intercept_


@dataclass(frozen=True)
class FeatureExtraction:
    """Cross-entropy of a head on frozen features.

    Attributes:
        classifier: The head.
        penalty: Factor of ||W||^2 / 2.
    """

    classifier: nn.Module
    penalty: float
    cacheable: ClassVar[bool] = True
    takes_mixtures: ClassVar[bool] = True

    def step(self, model: nn.Module, batch: Batch) -> StepResult:
        """Loss and hits of one batch."""
        logits = model(batch.images)
        weights = self.classifier.get_parameter("weight")
        loss = functional.cross_entropy(logits, batch.targets) + self.penalty * weights.square().sum() / 2
        correct = int((logits.argmax(1) == batch.labels).sum())
        return StepResult(loss, len(batch.labels), correct)


def make(setting: Setting, C: float | None = None) -> FeatureExtraction:
    """Makes the method from a recipe's options.

    Args:
        setting: Its plan freezes all but the head. A recipe with pre-trained weights that names no plan gets ``PLAN``.
        C: Inverse strength of an L2 penalty on the head, as scikit-learn counts it, above 0; None has none. Set the
            recipe's ``weight_decay`` to 0 with it.

    Raises:
        RecipeError: The plan lets more learn than the head, or C is not above 0.
    """
    states = FreezePlan(setting.backbone, setting.recipe.plan).states
    learning = [stage for stage, state in states.items() if state != "frozen" and stage != "head"]
    if learning:
        raise RecipeError(
            f"feature_extraction leaves the backbone as it is, but {learning[0]!r} learns in this plan.",
            'Give plan={"*": "frozen", "head": "trainable"}, or use fine_tuning.',
        )
    if C is not None and not C > 0:
        raise RecipeError(f"C is {C!r}.", "Give a number above 0, or none.")
    n = len(setting.data.indices("train"))
    return FeatureExtraction(classifier_of(setting.backbone), 0.0 if C is None else 1 / (C * n))
