"""Cuts a network where learning begins: a prefix that is a fixed function of each image, and a tail that trains.

An operation belongs to the prefix when all that it reads does, and it neither learns, nor moves running statistics, nor
draws random numbers. Both halves share the network's own parameters and buffers, so training the tail trains the
network.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import fx, nn
from torch.utils.flop_counter import FlopCounterMode

from tlwidgets.training.crossing import PerSample, kind_of, rebuild
from tlwidgets.training.purity import fixed_nodes
from tlwidgets.training.restoring import on_trial
from tlwidgets.training.tracing import NotCacheableError, trace

EXACT = 1e-5  # share of the largest logit by which the halves together may differ from the whole


class Partition:
    """A network in two halves.

    Args:
        model: The network, frozen as planned and in the mode it will be used in; classification of (N, C, H, W).
        image: One normalised image (1, C, H, W), to see what crosses the cut.

    Attributes:
        names: Names, in the network, of every parameter and buffer that the prefix reads.
        shapes: Of each tensor that crosses, for one image: (rows, ...).
        dtypes: Of each tensor that crosses.
        share: Of the forward pass's multiply-adds, in [0, 1], that the prefix does.

    Raises:
        NotCacheableError: It cannot be traced, nothing comes before what learns, what crosses the cut is no function
            of single images, or the halves together are not the network.
    """

    def __init__(self, model: nn.Module, image: torch.Tensor) -> None:
        root, graph = trace(model, image)
        fixed = fixed_nodes(root, graph)
        # A buffer or frozen parameter itself is read where it is used.
        crossing = [node for node in graph.nodes if _is_read_after(node, fixed) and node.op != "get_attr"]
        if any(node.op == "placeholder" for node in crossing) or not crossing:
            raise NotCacheableError("the first layer already learns")
        self.prefix = _prefix(root, graph, crossing)
        self.tail = _tail(root, graph, fixed, crossing)
        self.names = _tensor_names(self.prefix.graph, model)
        # Different images, so that a value which mixes them would not look constant.
        images = torch.cat([image * (1 + index / 7) for index in range(3)])
        with torch.no_grad(), on_trial(model), FlopCounterMode(display=False) as first:
            two = self.prefix(images[:2])
        with torch.no_grad(), on_trial(model), FlopCounterMode(display=False) as all_of_it:
            logits = model(images[:2])
        self.share = first.get_total_flops() / max(1, all_of_it.get_total_flops())
        with torch.no_grad(), on_trial(model):
            self.kinds = tuple(kind_of(a, b) for a, b in zip(two, self.prefix(images), strict=True))
            crossed = [value for kind, value in zip(self.kinds, two, strict=True) if isinstance(kind, PerSample)]
            self.dtypes = tuple(value.dtype for value in crossed)
            self.shapes = tuple((len(value) // 2, *value.shape[1:]) for value in crossed)
            _check(logits, self.tail(*two))

    @property
    def bytes_per_image(self) -> int:
        """How many bytes an image leaves at the cut."""
        return sum(
            torch.Size(shape).numel() * dtype.itemsize for shape, dtype in zip(self.shapes, self.dtypes, strict=True)
        )

    def run_prefix(self, images: torch.Tensor) -> list[torch.Tensor]:
        """Computes what crosses the cut: one tensor (N, rows, ...) for each entry of ``shapes``."""
        with torch.no_grad():
            values = self.prefix(images)
        return [
            value.reshape(len(images), kind.rows, *value.shape[1:])
            for kind, value in zip(self.kinds, values, strict=True)
            if isinstance(kind, PerSample)
        ]

    def run_tail(self, stored: Sequence[torch.Tensor]) -> torch.Tensor:
        """Goes on from the cut to the logits."""
        tensors, n = iter(stored), len(stored[0])
        logits: torch.Tensor = self.tail(*(rebuild(kind, tensors, n) for kind in self.kinds))
        return logits


def _check(whole: torch.Tensor, halves: torch.Tensor) -> None:
    error = float((halves - whole).abs().max() / whole.abs().max().clamp(min=1e-12))
    if not error <= EXACT:
        raise NotCacheableError(f"prefix and tail together differ from the network by {error:.0e}")


def _is_read_after(node: fx.Node, fixed: set[fx.Node]) -> bool:
    return node in fixed and any(user not in fixed for user in node.users)


def _prefix(root: nn.Module, graph: fx.Graph, crossing: list[fx.Node]) -> fx.GraphModule:
    half = fx.Graph()
    needed = _ancestors(crossing)
    copies: dict[fx.Node, fx.Node] = {}
    for node in graph.nodes:
        if node in needed or node.op == "placeholder":
            copies[node] = half.node_copy(node, copies.__getitem__)
    half.output(tuple(copies[node] for node in crossing))
    return fx.GraphModule(root, half)


def _ancestors(nodes: list[fx.Node]) -> set[fx.Node]:
    seen, waiting = set(nodes), list(nodes)
    while waiting:
        for parent in waiting.pop().all_input_nodes:
            if parent not in seen:
                seen.add(parent)
                waiting.append(parent)
    return seen


def _tail(root: nn.Module, graph: fx.Graph, fixed: set[fx.Node], crossing: list[fx.Node]) -> fx.GraphModule:
    half = fx.Graph()
    copies = {node: half.placeholder(f"cut_{index}") for index, node in enumerate(crossing)}
    for node in graph.nodes:
        if node not in fixed or (node.op == "get_attr" and _is_read_after(node, fixed)):
            copies[node] = half.node_copy(node, copies.__getitem__)
    return fx.GraphModule(root, half)


def _tensor_names(graph: fx.Graph, model: nn.Module) -> tuple[str, ...]:
    read = {str(node.target).removeprefix("model.") for node in graph.nodes if node.op in {"call_module", "get_attr"}}
    named: list[Any] = [*dict(model.named_parameters()), *dict(model.named_buffers())]
    return tuple(name for name in named if any(name == target or name.startswith(f"{target}.") for target in read))
