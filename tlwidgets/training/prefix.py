"""Cuts a network where learning begins: a prefix that is a fixed function of each image, and a tail that trains.

The network is traced with timm's own rules (Reed et al. 2022, torch.fx, arXiv 2112.08429). An operation belongs to the
prefix when all that it reads does, and it neither learns, nor moves running statistics, nor draws random numbers. Both
halves share the network's own modules, so training the tail trains the network.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from timm.models import get_notrace_functions, get_notrace_modules
from torch import fx, nn

# In training mode these neither remember nor draw: a pure function of their input.
PURE = (nn.Conv1d, nn.Conv2d, nn.Linear, nn.LayerNorm, nn.GroupNorm, nn.Identity, nn.Flatten, nn.Unflatten)
PURE_FAMILIES = ("torch.nn.modules.activation", "torch.nn.modules.pooling", "torch.nn.modules.padding")
RANDOM_WORDS = ("dropout", "rand", "bernoulli", "multinomial", "normal_", "uniform_", "drop_path")


class NotCacheableError(Exception):
    """The network cannot be cut exactly; the message says why."""


@dataclass(frozen=True)
class PerSample:
    """A tensor that has k rows for each image of the batch."""

    rows: int


@dataclass(frozen=True)
class PerBatch:
    """A number that is k times the batch size."""

    factor: int


@dataclass(frozen=True)
class Constant:
    """A value that no image changes."""

    value: Any


@dataclass(frozen=True)
class Several:
    """A tuple or shape whose entries are of different kinds."""

    kind: Callable[[list[Any]], Any]
    entries: tuple[Any, ...]


class Partition:
    """A network in two halves.

    Args:
        model: The network, frozen as planned and in the mode it will be used in; classification of (N, C, H, W).
        image: One normalised image (1, C, H, W), to see what crosses the cut.

    Raises:
        NotCacheableError: It cannot be traced, nothing comes before what learns, or what crosses the cut is no function
            of single images.
    """

    def __init__(self, model: nn.Module, image: torch.Tensor) -> None:
        caller = _Caller(model)
        graph = _trace(caller)
        fixed = _fixed_nodes(caller, graph)
        crossing = [node for node in graph.nodes if node in fixed and any(user not in fixed for user in node.users)]
        if any(node.op == "placeholder" for node in crossing) or not crossing:
            raise NotCacheableError("the first layer already learns")
        self.prefix = _prefix(caller, graph, crossing)
        self.tail = _tail(caller, graph, fixed, crossing)
        self.names = _tensor_names(self.prefix.graph, model)
        two, three = (self._probe(image, n) for n in (2, 3))
        self.kinds = tuple(_kind(a, b) for a, b in zip(two, three, strict=True))
        self.shapes = tuple(
            (kind.rows, *value.shape[1:]) for kind, value in zip(self.kinds, two, strict=True) if _per_sample(kind)
        )

    @property
    def values_per_image(self) -> int:
        """How many numbers an image leaves at the cut."""
        return sum(int(torch.Size(shape).numel()) for shape in self.shapes)

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
        logits: torch.Tensor = self.tail(*(_rebuild(kind, tensors, n) for kind in self.kinds))
        return logits

    def _probe(self, image: torch.Tensor, n: int) -> tuple[Any, ...]:
        # Different images, so that a value which mixes them would not look constant.
        batch = torch.cat([image * (1 + index / 7) for index in range(n)])
        with torch.no_grad():
            values: tuple[Any, ...] = self.prefix(batch)
        return values


class _Caller(nn.Module):
    """Calls the network with one argument, so that optional ones keep their defaults in the trace."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.model(images)
        return logits


class _Tracer(fx.Tracer):
    def __init__(self) -> None:
        super().__init__(autowrap_functions=tuple(get_notrace_functions()))
        self._leaves = tuple(get_notrace_modules())

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return isinstance(m, self._leaves) or super().is_leaf_module(m, module_qualified_name)


def _trace(caller: _Caller) -> fx.Graph:
    modes = [(module, module.training) for module in caller.modules()]
    try:
        return _Tracer().trace(caller)
    except Exception as error:  # a model's own code may raise anything when it is traced
        raise NotCacheableError(f"the network cannot be traced ({type(error).__name__})") from error
    finally:
        for module, mode in modes:
            module.training = mode


def _fixed_nodes(caller: _Caller, graph: fx.Graph) -> set[fx.Node]:
    fixed: set[fx.Node] = set()
    for node in graph.nodes:
        reads_fixed = all(parent in fixed for parent in node.all_input_nodes)
        if node.op != "output" and reads_fixed and _is_pure(caller, node):
            fixed.add(node)
    return fixed


def _is_pure(caller: _Caller, node: fx.Node) -> bool:
    if node.op == "placeholder":
        return True
    if node.op == "get_attr":
        value = _attribute(caller, str(node.target))
        return not (isinstance(value, torch.Tensor) and value.requires_grad)
    if node.op == "call_module":
        return _is_pure_module(caller.get_submodule(str(node.target)))
    name = str(getattr(node.target, "__name__", node.target)).lower()
    if "batch_norm" in name or any(word in name for word in RANDOM_WORDS):
        return _training_argument(node) is False
    return True


def _is_pure_module(module: nn.Module) -> bool:
    if any(parameter.requires_grad for parameter in module.parameters()):
        return False
    return all(
        not part.training
        or isinstance(part, PURE)
        or type(part).__module__ in PURE_FAMILIES
        or getattr(part, "p", getattr(part, "drop_prob", None)) == 0
        for part in module.modules()
        if not list(part.children())
    )


def _training_argument(node: fx.Node) -> bool | None:
    """The value of a functional's ``training`` argument; None where it is not plain to see."""
    normalised = node.normalized_arguments(nn.Module(), normalize_to_only_use_kwargs=True)
    training = (normalised.kwargs if normalised else node.kwargs).get("training")
    return training if isinstance(training, bool) else None


def _attribute(root: nn.Module, path: str) -> Any:
    value: Any = root
    for part in path.split("."):
        value = getattr(value, part)
    return value


def _prefix(caller: _Caller, graph: fx.Graph, crossing: list[fx.Node]) -> fx.GraphModule:
    half = fx.Graph()
    needed = _ancestors(crossing)
    copies: dict[fx.Node, fx.Node] = {}
    for node in graph.nodes:
        if node in needed or node.op == "placeholder":
            copies[node] = half.node_copy(node, copies.__getitem__)
    half.output(tuple(copies[node] for node in crossing))
    return fx.GraphModule(caller, half)


def _ancestors(nodes: list[fx.Node]) -> set[fx.Node]:
    seen, waiting = set(nodes), list(nodes)
    while waiting:
        for parent in waiting.pop().all_input_nodes:
            if parent not in seen:
                seen.add(parent)
                waiting.append(parent)
    return seen


def _tail(caller: _Caller, graph: fx.Graph, fixed: set[fx.Node], crossing: list[fx.Node]) -> fx.GraphModule:
    half = fx.Graph()
    copies = {node: half.placeholder(f"cut_{index}") for index, node in enumerate(crossing)}
    for node in graph.nodes:
        if node not in fixed:
            copies[node] = half.node_copy(node, copies.__getitem__)
    return fx.GraphModule(caller, half)


def _tensor_names(graph: fx.Graph, model: nn.Module) -> tuple[str, ...]:
    """Names, in the network, of every parameter and buffer that the prefix reads."""
    read = {str(node.target).removeprefix("model.") for node in graph.nodes if node.op in {"call_module", "get_attr"}}
    named = [*dict(model.named_parameters()), *dict(model.named_buffers())]
    return tuple(name for name in named if any(name == target or name.startswith(f"{target}.") for target in read))


def _per_sample(kind: Any) -> bool:
    return isinstance(kind, PerSample)


def _kind(two: Any, three: Any) -> Any:
    """Tells what a value is from its looks at batch sizes of two and three."""
    if isinstance(two, torch.Tensor):
        return _tensor_kind(two, three)
    if isinstance(two, int) and not isinstance(two, bool) and two != three:
        if two % 2 or three % 3 or two // 2 != three // 3:
            raise NotCacheableError(f"a number of {two} and {three} crosses the cut")
        return PerBatch(two // 2)
    if isinstance(two, tuple | list):
        entries = tuple(_kind(a, b) for a, b in zip(two, three, strict=True))
        if any(isinstance(entry, PerSample) for entry in entries):
            raise NotCacheableError("a tuple of tensors crosses the cut")
        return Several(type(two), entries)
    return Constant(two)


def _tensor_kind(two: torch.Tensor, three: torch.Tensor) -> PerSample | Constant:
    if two.shape == three.shape and torch.equal(two, three):
        return Constant(two)
    same_inside = two.ndim == three.ndim > 0 and two.shape[1:] == three.shape[1:]
    if not same_inside or two.shape[0] % 2 or three.shape[0] * 2 != two.shape[0] * 3:
        raise NotCacheableError(f"tensors of {tuple(two.shape)} and {tuple(three.shape)} cross the cut")
    return PerSample(two.shape[0] // 2)


def _rebuild(kind: Any, tensors: Any, n: int) -> Any:
    if isinstance(kind, PerSample):
        return next(tensors).flatten(0, 1)
    if isinstance(kind, PerBatch):
        return kind.factor * n
    if isinstance(kind, Several):
        return kind.kind([_rebuild(entry, tensors, n) for entry in kind.entries])
    return kind.value
