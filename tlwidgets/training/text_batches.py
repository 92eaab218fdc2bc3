"""Texts as batches: cut into tokens once, filled up to the longest text of each batch."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property

import numpy as np
import torch

from tlwidgets.backbones import TextPreprocessing
from tlwidgets.data import TextData
from tlwidgets.training.text_augmentation import augment_text


class PreparedTexts:
    """Texts of a data set as token numbers; the counterpart of ``PreparedImages``.

    Args:
        data: The texts.
        preprocessing: The backbone's own tokeniser.
    """

    def __init__(self, data: TextData, preprocessing: TextPreprocessing) -> None:
        self.data = data
        self.preprocessing = preprocessing
        self._tokens: dict[int, torch.Tensor] = {}

    def load(
        self,
        indices: np.ndarray,
        pool: ThreadPoolExecutor,  # noqa: ARG002  the tokeniser has threads of its own
        device: torch.device,
        augmentation: str = "none",
        draw: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """int64 (len(indices), L), L tokens in the longest of them."""
        if draw is None or augmentation == "none":
            tokens = self._known(indices)
        else:
            texts = zip(self.data.texts(indices), draw.tolist(), strict=True)
            views = [augment_text(text, numbers) for text, numbers in texts]
            tokens = self.preprocessing.tokens(views, self.longest_view)
        return self.preprocessing.pad(tokens).to(device)

    def example(
        self,
        indices: np.ndarray,
        pool: ThreadPoolExecutor,  # noqa: ARG002
        device: torch.device,
        augmentation: str = "none",
    ) -> torch.Tensor:
        """The longest of some texts, int64 (1, L), filled up to what an augmented one may take."""
        longest = max(self._known(indices), key=len)
        return self.preprocessing.pad([longest], self.longest_view if augmentation != "none" else 1).to(device)

    @cached_property
    def longest_view(self) -> int:
        """Tokens that an augmented text may have: half as many more as the longest text, for synonyms of several."""
        longest = max(map(len, self._known(np.arange(len(self.data)))))
        return min(longest * 3 // 2 + 8, self.preprocessing.max_length)

    def _known(self, indices: np.ndarray) -> Sequence[torch.Tensor]:
        missing = [int(index) for index in indices if int(index) not in self._tokens]
        if missing:
            self._tokens.update(zip(missing, self.preprocessing.tokens(self.data.texts(missing)), strict=True))
        return [self._tokens[int(index)] for index in indices]
