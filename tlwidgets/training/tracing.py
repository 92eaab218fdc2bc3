"""A network as a graph of operations: timm's own rules for torch.fx, and torch.export where those stop.

Source: Reed et al. 2022, torch.fx: practical program capture and transformation, arXiv 2112.08429.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from timm.models import get_notrace_functions, get_notrace_modules
from torch import fx, nn


class NotCacheableError(Exception):
    """The network cannot be cut exactly, or it would not pay; the message says why."""


class Caller(nn.Module):
    """Calls the network with one argument, so that optional ones keep their defaults in the trace."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Logits (N, classes) of images (N, C, H, W)."""
        logits: torch.Tensor = self.model(images)
        return logits


def trace(model: nn.Module, image: torch.Tensor) -> tuple[nn.Module, fx.Graph]:
    """Writes down what the network does in the modes and with the frozen parts that it has now.

    Args:
        model: The network; left as it is.
        image: One normalised image (1, C, H, W).

    Returns:
        A module that holds what the graph refers to, which are the network's own modules, parameters and buffers
        under "model."; and the graph, from one placeholder to one output.

    Raises:
        NotCacheableError: What the network does depends on more than the size of its images.
    """
    caller, reasons = Caller(model), []
    with _attributes_kept(model):
        for way in (_trace_symbols, _export):
            try:
                return way(caller, image)
            except Exception as error:  # noqa: BLE001  a model's own code may raise anything when it is traced
                reasons.append(error)
    raise NotCacheableError(f"the network cannot be traced ({type(reasons[0]).__name__})") from reasons[-1]


def _trace_symbols(caller: Caller, _image: torch.Tensor) -> tuple[nn.Module, fx.Graph]:
    return caller, _Tracer().trace(caller)


class _Tracer(fx.Tracer):
    def __init__(self) -> None:
        super().__init__(autowrap_functions=tuple(get_notrace_functions()))
        self._leaves = tuple(get_notrace_modules())

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return isinstance(m, self._leaves) or super().is_leaf_module(m, module_qualified_name)


@contextmanager
def _attributes_kept(model: nn.Module) -> Iterator[None]:
    # Tracers change modes; and what a forward pass keeps for later would be a symbol of the trace.
    before = [(module, dict(vars(module))) for module in model.modules()]
    # levit keeps its attention biases by device in a dictionary of its own.
    kept = [(value, dict(value)) for _, attributes in before for value in attributes.values() if type(value) is dict]
    try:
        yield
    finally:
        for module, attributes in before:
            vars(module).clear()
            vars(module).update(attributes)
        for value, content in kept:
            value.clear()
            value.update(content)


def _export(caller: Caller, image: torch.Tensor) -> tuple[nn.Module, fx.Graph]:
    pair = torch.cat([image, image])  # a batch of one would be taken for a fact about all batches
    batches = ({0: torch.export.Dim.DYNAMIC},)
    # Each operation is cast when it runs, as in the network itself.
    with torch.autocast(image.device.type, enabled=False):
        program = torch.export.export(caller, (pair,), dynamic_shapes=batches, strict=False)
    root = program.module()
    for node in reversed(root.graph.nodes):
        # Checks of what was seen in the trace, other dtypes under autocast among it.
        if node.op == "call_module" or "_assert" in str(node.target):
            root.graph.erase_node(node)
        elif node.op == "output":  # its logits in a tuple, which its own code generator would take out
            node.args = tuple(node.args[0])
    _check_shared(caller, root)
    return root, root.graph


def _check_shared(caller: Caller, root: nn.Module) -> None:
    own = {id(tensor) for tensor in (*caller.parameters(), *caller.buffers())}
    for name, tensor in (*root.named_parameters(), *root.named_buffers()):
        if id(tensor) not in own and (tensor.requires_grad or hasattr(caller, name)):
            raise NotCacheableError(f"tracing copies {name}")
