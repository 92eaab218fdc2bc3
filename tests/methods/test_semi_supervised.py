"""Pseudo-labels, FixMatch, mean teacher, label spreading: their mathematics."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.stats import wilcoxon
from sklearn.datasets import load_digits
from sklearn.neighbors import kneighbors_graph
from sklearn.svm import SVC
from torch import nn

from tlwidgets.errors import DataError
from tlwidgets.methods import fixmatch, label_spreading, mean_teacher, pseudo_labels
from tlwidgets.training.unlabelled import hidden_accuracy


def test_pseudo_labels_cost_what_the_most_probable_class_costs() -> None:
    logits = torch.tensor([[2.0, 0.0], [0.0, 1.0]], requires_grad=True)
    loss = pseudo_labels.pseudo_label_loss(logits)
    assert loss.item() == pytest.approx((math.log(1 + math.exp(-2)) + math.log(1 + math.exp(-1))) / 2)
    loss.backward()
    assert logits.grad[0, 0] < 0 < logits.grad[0, 1]
    assert [pseudo_labels.ramp(share, 0.2, 0.8) for share in (0, 0.2, 0.5, 0.8, 1)] == pytest.approx([0, 0, 0.5, 1, 1])


def test_unsure_images_cost_nothing_and_no_gradient_reaches_the_weak_view() -> None:
    weak = torch.zeros(3, 4, requires_grad=True)
    strong = torch.randn(3, 4, requires_grad=True)
    loss, sure = fixmatch.consistency_loss(weak, strong)
    loss.backward()
    assert loss.item() == 0
    assert not sure.any()
    assert not strong.grad.any()
    assert weak.grad is None


def test_sure_images_are_divided_by_all() -> None:
    weak = torch.tensor([[9.0, 0.0], [0.1, 0.0], [0.0, 9.0], [0.0, 0.1]])
    strong = torch.randn(4, 2, requires_grad=True)
    loss, sure = fixmatch.consistency_loss(weak, strong, 0.95)
    assert sure.tolist() == [True, False, True, False]
    costs = -torch.log_softmax(strong, 1)
    assert loss.item() == pytest.approx(((costs[0, 0] + costs[2, 1]) / 4).item())


def test_the_teacher_is_a_running_mean_and_leaves_statistics_alone() -> None:
    teacher, student = nn.BatchNorm1d(2), nn.BatchNorm1d(2)
    with torch.no_grad():
        student.weight.fill_(3.0)
        student.running_mean.fill_(5.0)
    mean_teacher.follow(teacher, student, 0.9)
    assert teacher.weight.tolist() == pytest.approx([1.2, 1.2])
    assert teacher.running_mean.tolist() == [0, 0]
    before = teacher.bias.clone()
    mean_teacher.follow(teacher, student, 0.3)
    assert torch.equal(teacher.bias, before)  # equal weights stay equal to the bit: frozen ones must


def test_the_teacher_counts_statistics_where_the_student_does() -> None:
    teacher, student = (nn.Sequential(nn.BatchNorm1d(2), nn.BatchNorm1d(2)) for _ in range(2))
    teacher.eval()
    student[0].eval()  # as in a frozen stage
    images = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    with mean_teacher.in_the_mode_of(teacher, student):
        teacher(images)
    assert teacher[0].running_mean.tolist() == [0, 0]
    assert teacher[1].running_mean.tolist() == pytest.approx([0.2, 0.3], abs=1e-4)
    assert not any(part.training for part in teacher.modules())


def test_agreement_is_the_squared_distance_of_probabilities_and_teaches_the_student_alone() -> None:
    student, teacher = torch.zeros(1, 2, requires_grad=True), torch.tensor([[50.0, 0.0]], requires_grad=True)
    loss = mean_teacher.consistency(student, teacher)
    loss.backward()
    assert loss.item() == pytest.approx(0.25)
    assert student.grad.abs().sum() > 0
    assert teacher.grad is None
    assert mean_teacher.sigmoid_ramp(0.0, 0.5) == pytest.approx(math.exp(-5))
    assert mean_teacher.sigmoid_ramp(0.5, 0.5) == mean_teacher.sigmoid_ramp(0.9, 0.5) == 1


def test_hidden_labels_tell_how_many_pseudo_labels_are_right() -> None:
    predicted, labels = torch.tensor([0, 1, 1, 0]), torch.tensor([0, 1, 0, -1])
    assert hidden_accuracy(predicted, labels) == pytest.approx(2 / 3)
    assert hidden_accuracy(predicted, labels, torch.tensor([True, False, False, True])) == 1
    assert math.isnan(hidden_accuracy(predicted, torch.full((4,), -1)))


def test_spreading_solves_the_papers_equation() -> None:
    rng = np.random.default_rng(0)
    rows = np.concatenate([rng.normal(0, 1, (20, 2)), rng.normal(4, 1, (20, 2))])
    labels = np.full(40, -1)
    labels[[0, 1, 20]] = 0, 0, 1
    alpha = 0.4
    found = label_spreading.spread(rows, labels, 5, alpha)
    graph = kneighbors_graph(rows, 5, include_self=True).toarray()
    np.fill_diagonal(graph, 0)
    # scikit-learn's own normalisation: 1 - the symmetric Laplacian of the graph as it is, not made symmetric.
    degrees = graph.sum(0)
    scale = np.sqrt(np.where(degrees == 0, 1, degrees))
    transition = graph / scale[:, None] / scale[None]
    given = np.zeros((40, 2))
    given[[0, 1], 0] = given[20, 1] = 1
    beliefs = np.linalg.solve(np.eye(40) - alpha * transition, (1 - alpha) * given)
    reached = beliefs.sum(1) > 1e-9
    assert reached.sum() > 30
    assert np.array_equal(found[reached].argmax(1), beliefs[reached].argmax(1))
    assert np.allclose(found[reached], (beliefs / np.maximum(beliefs.sum(1, keepdims=True), 1e-12))[reached], atol=0.02)
    assert np.allclose(found.sum(1), 1)


def test_spreading_beats_a_support_vector_machine_on_three_digits_a_class() -> None:
    digits = load_digits()
    gains = []
    for seed in range(10):
        rng = np.random.default_rng(seed)
        given = np.concatenate([rng.choice(np.flatnonzero(digits.target == c), 3, replace=False) for c in range(10)])
        rest = np.setdiff1d(np.arange(len(digits.target)), given)
        labels = np.full(len(digits.target), -1)
        labels[given] = digits.target[given]
        spread = label_spreading.spread(digits.data, labels).argmax(1)
        machine = SVC().fit(digits.data[given], digits.target[given])
        truth = digits.target[rest]
        gains.append((spread[rest] == truth).mean() - (machine.predict(digits.data[rest]) == truth).mean())
    assert min(gains) >= 0.02
    assert np.mean(gains) >= 0.05
    assert wilcoxon(gains).pvalue < 0.01


def test_samples_that_no_label_reaches_stay_undecided() -> None:
    rows = np.array([[0.0], [0.1], [0.2], [50.0], [50.1], [50.2]])
    found = label_spreading.spread(rows, [0, 1, -1, -1, -1, -1], 2)
    assert np.allclose(found[3:], 0.5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([[0.0], [1.0], [math.nan]], [0, 1, -1]), "nan"),
        (([[0.0], [1.0]], [0]), "do not fit"),
        (([[0.0], [1.0], [2.0]], [0, 0, -1]), "Label at least one"),
        (([[0.0], [1.0], [2.0]], [0, 2, -1]), "Label at least one"),
        (([[0.0], [1.0], [2.0]], [0, 1, -1], 9), "n_neighbours is 9"),
    ],
)
def test_what_cannot_be_spread_is_refused(arguments: tuple[object, ...], message: str) -> None:
    with pytest.raises(DataError, match=message):
        label_spreading.spread(*arguments)  # type: ignore[arg-type]
