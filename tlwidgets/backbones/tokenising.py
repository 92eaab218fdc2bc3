"""How a text encoder wants its texts: cut into the tokens that it was pre-trained with."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from tlwidgets.errors import BackboneError


@dataclass(frozen=True)
class TextPreprocessing:
    """A text encoder's own tokeniser, with the same methods as ``Preprocessing``.

    Attributes:
        tokenizer: A fast tokeniser of transformers; called with texts it gives ``input_ids``.
        pad_id: Number that fills shorter texts up.
        max_length: Tokens of a text that are read; the rest is cut off.
    """

    tokenizer: Any
    pad_id: int
    max_length: int

    def check(self, texts: Any) -> None:
        """Refuses what is no sequence of texts.

        Raises:
            BackboneError: There is no text, or something else among them.
        """
        if isinstance(texts, str) or len(texts) == 0:
            raise BackboneError("There are no texts to look at.", 'Pass a list of texts, ["a text", "another"].')
        if odd := [type(text).__name__ for text in texts if not isinstance(text, str)]:
            raise BackboneError(
                f"This backbone reads texts, not {odd[0]}.", "Pass a list of texts, data.texts(indices)."
            )

    def prepare(self, text: str) -> torch.Tensor:
        """Token numbers of one text: int64 (L,), at most ``max_length`` of them."""
        return self.tokens([text])[0]

    def tokens(self, texts: Sequence[str], at_most: int | None = None) -> list[torch.Tensor]:
        """Token numbers of several texts, each int64 (L,), with L at most ``max_length``, or ``at_most``."""
        found = self.tokenizer(list(texts), truncation=True, max_length=at_most or self.max_length)["input_ids"]
        return [torch.tensor(numbers, dtype=torch.int64) for numbers in found]

    def prepare_all(self, texts: Iterable[Any]) -> torch.Tensor:
        """Token numbers of several texts, int64 (N, L) with L that of the longest."""
        return self.pad(self.tokens(list(texts)))

    def pad(self, tokens: Sequence[torch.Tensor], length: int = 1) -> torch.Tensor:
        """Fills texts up to the longest of them, and at least to ``length``: int64 (N, L)."""
        filled = torch.full((len(tokens), max(length, *map(len, tokens))), self.pad_id)
        for row, numbers in zip(filled, tokens, strict=True):
            row[: len(numbers)] = numbers
        return filled

    def normalise(self, batch: torch.Tensor) -> torch.Tensor:
        """Gives the batch back: the network takes token numbers as they are."""
        return batch

    def example(self) -> torch.Tensor:
        """A short text, int64 (1, 4), to see what the network does with one."""
        return torch.full((1, 4), 0 if self.pad_id else 1)
