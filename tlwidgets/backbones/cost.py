"""What each stage costs: parameters and multiply-adds, measured by one forward pass of one image."""

from __future__ import annotations

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
        backbone's own input size) and ``share`` (of all multiply-adds, 0..1).
    """
    by_module = _macs_by_module(backbone)
    rows = []
    for stage in backbone.stages:
        owned = set(stage.module_names)
        # Counts include children: add only modules whose parent belongs to somebody else.
        top = [name for name in owned if name.rpartition(".")[0] not in owned]
        macs = sum(by_module.get(name, 0) for name in top)
        rows.append({"stage": stage.name, "label": stage.label, "parameters": stage.n_parameters, "macs": macs})
    table = pd.DataFrame(rows)
    table["share"] = table["macs"] / max(1, table["macs"].sum())
    return table


def _macs_by_module(backbone: Backbone) -> dict[str, int]:
    model = backbone.model
    parameter = next(model.parameters())
    image = torch.zeros((1, *backbone.preprocessing.input_size), device=parameter.device, dtype=parameter.dtype)
    counter = FlopCounterMode(display=False)
    with evaluating(model), torch.no_grad(), counter:
        model(image)
    # The counter names modules "ResNet.layer1"; a multiply-add is two floating-point operations.
    root = type(model).__name__
    return {
        name.removeprefix(f"{root}."): int(sum(counts.values())) // 2
        for name, counts in counter.get_flop_counts().items()
        if name not in {root, "Global"}
    }
