"""What each stage costs: parameters and multiply-adds, measured by one forward pass of one image."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd
import torch
from torch.utils.flop_counter import FlopCounterMode

from tlwidgets.backbones.backbone import Backbone, evaluating
from tlwidgets.backbones.stages import Stage


def stage_costs(backbone: Backbone) -> pd.DataFrame:
    """Measures a backbone stage by stage.

    Args:
        backbone: The network; it is not changed.

    Returns:
        One row a stage, in order: ``stage``, ``label``, ``parameters``, ``macs`` (multiply-adds of one image at the
        backbone's own input size, or of a text of four tokens) and ``share`` (of all multiply-adds, 0..1).
    """
    return _by_stage(backbone, _macs_by_module(backbone))


def costs(backbone: Backbone) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Measures a backbone stage by stage and block by block, by one forward pass.

    Returns:
        What ``stage_costs`` gives, and one row a block, in order: ``stage``, ``block`` (its name in the network),
        ``kind`` (its class), ``parameters``, ``norms`` (BatchNorm layers) and ``share`` (of all multiply-adds, 0..1).
        Blocks are the parts of a stage one level down that hold parameters.
    """
    by_module = _macs_by_module(backbone)
    stages = _by_stage(backbone, by_module)
    total = max(1, int(stages["macs"].sum()))
    rows = []
    for stage in backbone.stages:
        for name in blocks_of(backbone, stage):
            rows.append(_block(backbone, stage, name) | {"share": by_module.get(name, 0) / total})
    columns = ["stage", "block", "kind", "parameters", "norms", "share"]
    return stages, pd.DataFrame(rows, columns=columns)


def blocks_of(backbone: Backbone, stage: Stage) -> list[str]:
    """Names of the parts of a stage, in the network's order: modules that hold parameters, and parameters of none."""
    owned, modules = set(stage.module_names), dict(backbone.model.named_modules())
    tops = [name for name in stage.module_names if name.rpartition(".")[0] not in owned]
    while len(tops) == 1 and (below := [f"{tops[0]}.{name}" for name, _ in modules[tops[0]].named_children()]):
        tops = below
    inside = {top: [name for name in stage.parameter_names if name.startswith(f"{top}.")] for top in tops}
    covered = {name for names in inside.values() for name in names}
    alone = [name for name in stage.parameter_names if name not in covered]
    order = {name: place for place, name in enumerate(stage.parameter_names)}
    first = {top: order[names[0]] for top, names in inside.items() if names}
    return sorted([*first, *alone], key=lambda name: first.get(name, order.get(name, 0)))


def _block(backbone: Backbone, stage: Stage, name: str) -> dict[str, object]:
    module = dict(backbone.model.named_modules()).get(name)
    names = [each for each in stage.parameter_names if each == name or each.startswith(f"{name}.")]
    return {
        "stage": stage.name,
        "block": name,
        "kind": "Parameter" if module is None else type(module).__name__,
        "parameters": sum(backbone.model.get_parameter(each).numel() for each in names),
        # Only layers with running statistics have such a buffer, one each.
        "norms": sum(b.startswith(f"{name}.") and b.endswith("running_mean") for b in stage.buffer_names),
    }


def _by_stage(backbone: Backbone, by_module: dict[str, int]) -> pd.DataFrame:
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
