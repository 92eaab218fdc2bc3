"""The end of a run whose method changes the network once more after training: on purpose, and on record."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

from tlwidgets.freezing import fingerprint, moved
from tlwidgets.training.checkpoint import read_note, snapshot_model
from tlwidgets.training.learner import Learner

NOTE = "finished"


def finish(learner: Learner, best: Path) -> dict[str, Any]:
    """Calls the method's ``finish``, where it has one, and keeps what that makes of the network.

    A run that was stopped, and so finished, may go on and end with the same best epoch: what was finished once is left
    as it is, and the file tells what was said of it.

    Args:
        learner: Its network holds the weights of the best epoch; the audit of what is frozen was before.
        best: The file of these weights, which is written anew.

    Returns:
        ``{"metrics": {...}, "adapted": [...]}``: further metrics, and the names of those tensors that were frozen in
        training and have been changed now. Nothing where the method has no ``finish``.
    """
    if not hasattr(learner.method, "finish"):
        return {}
    if (known := read_note(best, NOTE)) is not None:
        return known
    learner.close()  # what is kept of the frozen part may not stand for it any longer
    model = learner.backbone.model
    before = fingerprint(model, learner.guarded)
    metrics = learner.tell_method("finish")
    finished = {"metrics": metrics, "adapted": moved(before, model)}
    if learner.accelerator.is_main_process:
        dataclasses.replace(snapshot_model(model), metadata={NOTE: json.dumps(finished)}).write(best)
    return finished
