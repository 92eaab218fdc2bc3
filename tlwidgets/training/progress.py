"""How far a run has come."""

from __future__ import annotations

import math
from dataclasses import dataclass, field


@dataclass
class Progress:
    """How far a run has come; plain values, so that a checkpoint can hold it.

    Attributes:
        epoch: Epochs that are complete.
        step: Optimiser steps so far.
        unfreezing: What of the recipe's unfreezing is still going on: "none", "gradual" or "probe_first".
        schedule_start: Step at which the schedule of the rate began; above 0 after a probe.
        settled: Epochs that were complete when the plan came to hold for the rest of the run.
        rate: Base learning rate of the head; a person may have changed it.
        states: State of every stage.
        best_accuracy: Validation accuracy of the best epoch, 0..1, or what the method judges epochs by; -inf before the
            first.
        best_loss: Validation loss of the best epoch, 0 where the method judges.
        best_epoch: The best epoch; 0 before the first.
        history: One row an epoch.
        rates: One row an epoch: the rate of every stage at its last step.
        precision: Number format that the run computes in; "" before it is chosen.
        channels_last: Whether the weights lie channels last.
    """

    epoch: int = 0
    step: int = 0
    unfreezing: str = "none"
    schedule_start: int = 0
    settled: int = 0
    rate: float = 0.0
    states: dict[str, str] = field(default_factory=dict)
    best_accuracy: float = -math.inf
    best_loss: float = math.inf
    best_epoch: int = 0
    precision: str = ""
    channels_last: bool = False
    history: list[dict[str, float]] = field(default_factory=list)
    rates: list[dict[str, float]] = field(default_factory=list)
