"""A transformer for text as a classifier: token numbers in, class scores out, its layers as stages.

Reimers & Gurevych (2019), "Sentence-BERT", arXiv 1908.10084: the mean of the last layer's vectors over the real tokens
describes a text better than the first token's vector or a pre-trained pooler.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from tlwidgets.errors import BackboneError


class TextClassifier(nn.Module):
    """An encoder of Hugging Face, the mean over its real tokens, and a linear layer.

    A batch is one int64 tensor (N, L) of token numbers; shorter texts are filled up with ``pad_id``, and that is how
    the network knows what to leave out. So text passes through everything that images pass through.

    Args:
        encoder: Gives ``last_hidden_state`` (N, L, D) from ``input_ids`` and ``attention_mask``. A pooler that it has
            is taken off, because the mean stands in its place.
        pad_id: Number of the padding token.
        num_classes: Outputs; 0 gives the mean itself.

    Attributes:
        layers_name: Full name of the list of the encoder's layers.
        num_features: Length D of the mean vector.

    Raises:
        BackboneError: The encoder has no list of layers, or does not answer as encoders do.
    """

    def __init__(self, encoder: nn.Module, pad_id: int, num_classes: int) -> None:
        super().__init__()
        self.encoder = encoder
        if getattr(encoder, "pooler", None) is not None:
            self.encoder.pooler = None  # type: ignore[assignment]  # a module or none
        self.pad_id, self.num_classes = pad_id, num_classes
        name, self.n_layers = _layers(encoder)
        self.layers_name = f"encoder.{name}"
        self._ordinals, self.num_features = self._look()
        self.head = nn.Linear(self.num_features, num_classes) if num_classes else nn.Identity()

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Class scores (N, num_classes) of token numbers (N, L)."""
        return self.forward_head(self.forward_features(tokens))

    def forward_features(self, tokens: torch.Tensor) -> torch.Tensor:
        """Mean vectors (N, D) of token numbers (N, L)."""
        real = tokens != self.pad_id
        hidden = self.encoder(input_ids=tokens, attention_mask=real.long())[0]
        weights = real.unsqueeze(2).to(hidden.dtype)
        mean: torch.Tensor = (hidden * weights).sum(1) / weights.sum(1).clamp(min=1)
        return mean

    def forward_head(self, features: torch.Tensor, pre_logits: bool = False) -> torch.Tensor:
        """Class scores of mean vectors (N, D); with ``pre_logits`` the vectors as they are."""
        scores: torch.Tensor = features if pre_logits else self.head(features)
        return scores

    def get_classifier(self) -> nn.Module:
        """The last layer."""
        return self.head

    def group_matcher(self, coarse: bool = False) -> Callable[[str], int]:  # noqa: ARG002  timm's signature
        """Tells, as timm's networks do, the place of every parameter: 0 the stem, then each layer, then the head."""
        return self.ordinal

    def ordinal(self, name: str) -> int:
        """Place of a parameter: 0 for the stem, i for layer i from 1, ``n_layers + 1`` for the head.

        What a low-rank adapter holds has the place of the layer that it adapts.
        """
        adapted, within, _ = name.partition(".lora_")
        plain = f"{adapted}.weight" if within else name.replace(".base_layer.", ".")
        return self._ordinals.get(plain, self.n_layers + 1)

    def _look(self) -> tuple[dict[str, int], int]:
        """Runs one short text to see in what order the encoder uses its parts, and how long its vectors are."""
        calls = _Calls(self, self.layers_name, self.n_layers)
        modes = [(module, module.training) for module in self.modules()]
        try:
            self.eval()
            with torch.no_grad():
                features = self.forward_features(torch.full((1, 4), 0 if self.pad_id else 1))
        except (TypeError, ValueError, KeyError, AttributeError, RuntimeError) as error:
            raise BackboneError(
                f"{type(self.encoder).__name__} does not answer as a text encoder does: {error}",
                "Give an encoder such as BERT, RoBERTa, DistilBERT, ELECTRA, MPNet or DeBERTa.",
            ) from error
        finally:
            calls.remove()
            for module, mode in modes:
                module.training = mode
        return {name: calls.place(name) for name, _ in self.named_parameters()}, features.shape[1]


class _Calls:
    """Notes for every module outside the layers how many of them had been entered when it was first called."""

    def __init__(self, model: nn.Module, layers_name: str, n_layers: int) -> None:
        self.layers_name, self.n_layers = layers_name, n_layers
        self.first: dict[str, int] = {}
        self._reached = 0
        layers = model.get_submodule(layers_name)
        self._handles = [
            module.register_forward_pre_hook(self._note(name))
            for name, module in model.named_modules()
            if not name.startswith(f"{layers_name}.")
        ]
        for index, layer in enumerate(layers.children(), start=1):
            self._handles.append(layer.register_forward_pre_hook(self._reach(index)))
        self._handles.append(layer.register_forward_hook(self._reach(n_layers + 1)))

    def _note(self, name: str) -> Callable[..., None]:
        def note(*_: Any) -> None:
            self.first.setdefault(name, self._reached)

        return note

    def _reach(self, place: int) -> Callable[..., None]:
        def reach(*_: Any) -> None:
            self._reached = max(self._reached, place)

        return reach

    def place(self, parameter: str) -> int:
        """Place of a parameter; what is read without a call (tables of relative positions) belongs to the stem."""
        if parameter.startswith(f"{self.layers_name}."):
            return 1 + int(parameter.removeprefix(f"{self.layers_name}.").partition(".")[0])
        return self.first.get(parameter.rpartition(".")[0], 0)

    def remove(self) -> None:
        """Takes every hook off."""
        for handle in self._handles:
            handle.remove()


def _layers(encoder: nn.Module) -> tuple[str, int]:
    """Name and length of the list that holds the most parameters, the outermost of equal ones."""
    lists = [(name, module) for name, module in encoder.named_modules() if isinstance(module, nn.ModuleList)]
    sizes = [sum(parameter.numel() for parameter in module.parameters()) for _, module in lists]
    if not lists or not max(sizes):
        raise BackboneError(
            f"{type(encoder).__name__} has no list of layers.", "Give an encoder made of transformer layers."
        )
    name, layers = lists[sizes.index(max(sizes))]
    return name, len(layers)
