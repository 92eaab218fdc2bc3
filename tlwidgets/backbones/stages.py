"""The ordered stages of a network: every parameter, buffer and module belongs to exactly one.

A stage is one entry of timm's ``group_matcher(coarse=True)``, from input to output; models without one
(torchvision, a few of timm's) are cut at their top-level children. The head is the classifier and the norm that feeds
it; pre-trained layers between the last block and the classifier are a stage of their own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from timm.models import group_parameters
from torch import nn


@dataclass(frozen=True)
class Stage:
    """One part of a network that is frozen or trained as a whole.

    Attributes:
        name: "stem", "stage1" ... "stageK" or "head".
        label: What the network itself calls it, such as "layer1" or "blocks.0".
        parameter_names: Full names, in the network's order.
        buffer_names: Full names of its buffers (running statistics and the like).
        module_names: Every module that belongs wholly to it.
        n_parameters: Number of scalar parameters.
    """

    name: str
    label: str
    parameter_names: tuple[str, ...]
    buffer_names: tuple[str, ...]
    module_names: tuple[str, ...]
    n_parameters: int

    def __repr__(self) -> str:
        return f"Stage({self.name}: {self.label or 'nothing'}, {self.n_parameters:,} parameters)"


def find_stages(model: nn.Module) -> tuple[Stage, ...]:
    """Cuts a network into ordered stages that cover every parameter and buffer exactly once.

    Args:
        model: Any timm or torchvision classifier.

    Returns:
        The stages, stem first and head last. The head may be empty (a model made with ``num_classes=0``).
    """
    groups = _with_head_apart(model, _parameter_groups(model))
    labels = _labels(model, groups)
    stage_of = {name: index for index, group in enumerate(groups) for name in group}
    owners, whole = _module_owners(model, stage_of, head=len(groups) - 1)
    sizes = {name: parameter.numel() for name, parameter in model.named_parameters()}
    stages = []
    for index, group in enumerate(groups):
        buffers = tuple(name for name, _ in model.named_buffers() if owners[name.rpartition(".")[0]] == index)
        modules = tuple(name for name, owner in owners.items() if owner == index and name in whole)
        stages.append(
            Stage(
                name=_stage_name(index, len(groups)),
                label=labels[index],
                parameter_names=tuple(group),
                buffer_names=buffers,
                module_names=modules,
                n_parameters=sum(sizes[name] for name in group),
            )
        )
    return tuple(stages)


def _stage_name(index: int, n_stages: int) -> str:
    return "stem" if index == 0 else "head" if index == n_stages - 1 else f"stage{index}"


def _labels(model: nn.Module, groups: Sequence[Sequence[str]]) -> list[str]:
    """The shortest module name that holds most of a group's scalars and, where that can be, nothing of another's."""
    sizes = {name: parameter.numel() for name, parameter in model.named_parameters()}
    labels = []
    for group in groups:
        others = [name for other in groups if other is not group for name in other]
        label, inside = "", list(group)
        while inside and (not label or any(name.startswith(f"{label}.") for name in others)):
            weights: Counter[str] = Counter()
            for name in inside:
                weights[_cut(name, label.count(".") + 2 if label else 1)] += sizes[name]
            label = weights.most_common(1)[0][0]
            inside = [name for name in inside if name.startswith(f"{label}.")]
        labels.append(label)
    return labels


def _cut(name: str, depth: int) -> str:
    return ".".join(name.split(".")[:depth])


def _parameter_groups(model: nn.Module) -> list[list[str]]:
    if hasattr(model, "group_matcher"):
        try:
            matcher = model.group_matcher(coarse=True)  # type: ignore[operator]
        except AssertionError:  # rdnet knows one grouping only, and asserts that it is asked for that
            matcher = model.group_matcher(coarse=False)  # type: ignore[operator]
        grouped = group_parameters(model, matcher)
        return [grouped[ordinal] for ordinal in sorted(grouped)]
    return _groups_of_children(model)


# A block holds at least two layers, so four tensors; a network has at least so many of them.
_BLOCK_TENSORS, _BLOCKS = 4, 3


def _groups_of_children(model: nn.Module) -> list[list[str]]:
    """Cuts a model without a group matcher at its children, opening the largest while there are too few blocks."""
    groups: dict[str, list[str]] = {}
    for name, _ in model.named_parameters():
        groups.setdefault(_cut(name, 1), []).append(name)
    last = next(reversed(groups))
    while True:
        blocks = [label for label, group in groups.items() if len(group) >= _BLOCK_TENSORS and label != last]
        if not blocks or len(blocks) >= _BLOCKS:
            break
        groups = _opened(groups, max(blocks, key=lambda label: _scalars(model, groups[label])))
    *body, head = groups.values()
    if not blocks:
        return [*body, head]
    # Lone layers join the stem before the first block, and the block before them after it.
    stages: list[list[str]] = [[]]
    started = False
    for group in body:
        if len(group) >= _BLOCK_TENSORS:
            started = True
            stages.append([*group])
        else:
            stages[-1 if started else 0].extend(group)
    return [*(stage for stage in stages if stage), head]


def _scalars(model: nn.Module, names: Sequence[str]) -> int:
    return sum(model.get_parameter(name).numel() for name in names)


def _opened(groups: dict[str, list[str]], label: str) -> dict[str, list[str]]:
    """The groups with one of them cut at the children of its module."""
    opened: dict[str, list[str]] = {}
    for other, group in groups.items():
        for name in group:
            opened.setdefault(_cut(name, other.count(".") + 2) if other == label else other, []).append(name)
    return opened


def classifier_names(model: nn.Module) -> tuple[str, ...]:
    """Names of the modules that turn features into class scores (several for a few families)."""
    if not hasattr(model, "get_classifier"):
        layers = [(name, module) for name, module in model.named_modules() if isinstance(module, nn.Linear | nn.Conv2d)]
        linear = [pair for pair in layers if isinstance(pair[1], nn.Linear)]
        return tuple(name for name, _ in (linear or layers)[-1:])
    found = model.get_classifier()  # type: ignore[operator]
    heads = found if isinstance(found, tuple | list) else (found,)
    wanted = {id(head) for head in heads if head is not None}
    return tuple(name for name, module in model.named_modules() if id(module) in wanted)


def _with_head_apart(model: nn.Module, groups: list[list[str]]) -> list[list[str]]:
    prefixes = tuple(f"{name}." for name in classifier_names(model) if name)
    rest = [[name for name in group if not name.startswith(prefixes)] for group in groups]
    head = [name for group in groups for name in group if name.startswith(prefixes)] if prefixes else []
    body = [group for group in rest if group]
    # timm puts what no pattern matched beside the classifier. Norms stay there; whole layers are a stage before it.
    if head and len(body) > 1 and rest[-1] and rest[-1] != groups[-1] and not _holds_layers(model, body[-1]):
        head = [*body.pop(), *head]
    return [*body, head]


def _holds_layers(model: nn.Module, names: Sequence[str]) -> bool:
    """Whether any of the parameters is a matrix; those of an auxiliary classifier do not count."""
    own = [model.get_parameter(name) for name in names if not name.startswith("aux")]
    return any(parameter.numel() > max(parameter.shape, default=1) for parameter in own)


def _module_owners(model: nn.Module, stage_of: dict[str, int], head: int) -> tuple[dict[str, int], set[str]]:
    """Gives each module the stage that it works for, and says which modules work for that stage alone.

    A module with parameters works for the first stage among them; one without (dropout, pooling) for its parent's
    stage where that is a single one, else for the stage of the sibling defined before it.
    """
    names = [name for name, _ in model.named_modules()]
    spans: dict[str, set[int]] = {name: set() for name in names}
    for parameter, stage in stage_of.items():
        parts = parameter.split(".")[:-1]
        for depth in range(len(parts) + 1):
            spans[".".join(parts[:depth])].add(stage)
    owners: dict[str, int] = {"": 0}
    latest: dict[str, int] = {}
    for name in names:
        parent, _, leaf = name.rpartition(".")
        if spans[name]:
            owners[name] = min(spans[name])
            latest[parent] = max(spans[name])
            continue
        inherited = owners[parent] if len(spans[parent]) == 1 else latest.get(parent, owners[parent])
        owners[name] = head if leaf.startswith("head_") else inherited
        spans[name] = {owners[name]}
    return owners, {name for name in names if len(spans[name]) == 1}
