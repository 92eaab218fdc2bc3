"""Which operations of a traced network are fixed functions of each image: nothing learned, remembered or drawn."""

from __future__ import annotations

from typing import Any

import torch
from torch import fx, nn
from torch.nn.modules.batchnorm import _BatchNorm

# In training mode these neither remember nor draw: a pure function of their input.
PURE = (nn.Conv1d, nn.Conv2d, nn.Linear, nn.LayerNorm, nn.GroupNorm, nn.Identity, nn.Flatten, nn.Unflatten)
PURE_FAMILIES = ("torch.nn.modules.activation", "torch.nn.modules.pooling", "torch.nn.modules.padding")
DRAWING = (nn.RReLU, nn.FractionalMaxPool2d, nn.FractionalMaxPool3d)  # of those families, but random
RANDOM_WORDS = (
    *("dropout", "drop_path", "rand", "rrelu", "bernoulli", "multinomial", "poisson", "gumbel", "fractional_max_pool"),
    *("normal_", "uniform_", "exponential_", "cauchy_", "geometric_"),
)
IN_PLACE = {"iadd", "isub", "imul", "itruediv"}


def fixed_nodes(root: nn.Module, graph: fx.Graph) -> set[fx.Node]:
    """The nodes of a graph that give the same values every time.

    Args:
        root: Holds what the graph refers to.
        graph: From one placeholder to one output.

    Returns:
        Every node that reads nothing but such nodes, and is itself neither learning, nor moving, nor random.
    """
    fixed: set[fx.Node] = set()
    of_images: set[fx.Node] = set()
    moving = {part.target for node in graph.nodes for part in _moved_by(node)}
    for node in graph.nodes:
        if node.op == "placeholder" or any(parent in of_images for parent in node.all_input_nodes):
            of_images.add(node)
        reads_fixed = all(parent in fixed for parent in node.all_input_nodes)
        stands_still = node.op != "output" and not (node.op == "get_attr" and node.target in moving)
        if stands_still and reads_fixed and _is_pure(root, node, node in of_images):
            fixed.add(node)
    return fixed


def _moved_by(node: fx.Node) -> list[fx.Node]:
    """The buffers that an operation writes to: running statistics, or what it changes in place."""
    if node.op not in {"call_function", "call_method"}:
        return []
    name = _name(node).split(".")[0]
    writes = name.endswith("_") or name in IN_PLACE or ("batch_norm" in name and not _off(node, "training"))
    return [parent for parent in node.all_input_nodes if writes and parent.op == "get_attr"]


def _is_pure(root: nn.Module, node: fx.Node, of_images: bool) -> bool:
    if node.op in {"placeholder", "output"}:
        return True
    if node.op == "get_attr":
        return _is_pure_value(attribute(root, str(node.target)))
    if node.op == "call_module":
        return _is_pure_module(root.get_submodule(str(node.target)))
    return _is_pure_function(node, of_images)


def _is_pure_value(value: Any) -> bool:
    if isinstance(value, fx.GraphModule):  # a region of its own, such as one without gradients
        return all(_is_pure(value, node, of_images=True) for node in value.graph.nodes)
    return not (isinstance(value, torch.Tensor) and value.requires_grad)


def _is_pure_module(module: nn.Module) -> bool:
    if any(parameter.requires_grad for parameter in module.parameters()):
        return False
    return all(_is_pure_part(part) for part in module.modules())


def _is_pure_part(part: nn.Module) -> bool:
    if isinstance(part, DRAWING) or (isinstance(part, _BatchNorm) and part.running_mean is None):
        return False
    if not part.training or isinstance(part, PURE):
        return True
    if isinstance(part, nn.MultiheadAttention):
        return bool(part.dropout == 0)
    chance = getattr(part, "p", getattr(part, "drop_prob", None))
    return type(part).__module__ in PURE_FAMILIES or bool(chance == 0)


def _is_pure_function(node: fx.Node, of_images: bool) -> bool:
    name = _name(node)
    if "batch_norm" in name:
        # Weights may be standardised by it (Brock et al. 2021, arXiv 2101.08692): no image, and nothing remembered.
        return _off(node, "training") or not (of_images or _argument(node, "running_mean"))
    if any(word in name for word in RANDOM_WORDS):
        return _off(node, "training") or _off(node, "train")
    if "scaled_dot_product_attention" in name:
        return bool(_argument(node, "dropout_p", 4, 0.0) == 0)
    return True


def _name(node: fx.Node) -> str:
    return str(getattr(node.target, "__name__", node.target)).lower()


def _off(node: fx.Node, name: str) -> bool:
    return _argument(node, name) is False


def _argument(node: fx.Node, name: str, position: int | None = None, default: Any = None) -> Any:
    """The value of a function's argument; the default where it is not plain to see."""
    normalised = node.normalized_arguments(nn.Module(), normalize_to_only_use_kwargs=True)
    if normalised is not None and name in normalised.kwargs:
        return normalised.kwargs[name]
    if position is not None and position < len(node.args):
        return node.args[position]
    return node.kwargs.get(name, default)


def attribute(root: nn.Module, path: str) -> Any:
    """What stands under a dotted name."""
    value: Any = root
    for part in path.split("."):
        value = getattr(value, part)
    return value
