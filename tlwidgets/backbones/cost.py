"""What each stage costs: parameters and multiply-adds, measured by one forward pass of one image."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd
import torch
from torch.utils.flop_counter import FlopCounterMode

from tlwidgets.backbones.backbone import Backbone, evaluating


def stage_costs(backbone: Backbone) -> pd.DataFrame:
    """Measures a backbone stage by stage.

    Args:
        backbone: The network; it is not changed.

    Returns:
        One row a stage, in order: ``stage``, ``label``, ``parameters``, ``macs`` (multiply-adds of one image at the
        backbone's own input size, or of a text of four tokens) and ``share`` (of all multiply-adds, 0..1).
    """
    by_module = _macs_by_module(backbone)
    rows = []
    for stage in backbone.stages:
        counted = by_module.keys() & stage.module_names
        # Counts include children: add only modules that lie in no other of the stage; lists are never counted.
        macs = sum(by_module[name] for name in counted if not counted & set(_around(name)))
        rows.append({"stage": stage.name, "label": stage.label, "parameters": stage.n_parameters, "macs": macs})
    table = pd.DataFrame(rows)
    table["share"] = table["macs"] / max(1, table["macs"].sum())
    return table


def _around(name: str) -> Iterator[str]:
    """Names of the modules that a module lies in."""
    while name := name.rpartition(".")[0]:
        yield name


def _macs_by_module(backbone: Backbone) -> dict[str, int]:
    model = backbone.model
    example = backbone.example()
    counter = FlopCounterMode(display=False)
    with evaluating(model), torch.no_grad(), counter:
        model(example)
    # The counter names modules "ResNet.layer1"; a multiply-add is two floating-point operations.
    root = type(model).__name__
    return {
        name.removeprefix(f"{root}."): int(sum(counts.values())) // 2
        for name, counts in counter.get_flop_counts().items()
        if name not in {root, "Global"}
    }
