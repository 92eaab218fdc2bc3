"""How large each network of the catalogue is, known without building it: a table that ``sizing`` has measured."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

TABLE = Path(__file__).parent / "sizes.csv"
COLUMNS = ("name", "parameters", "macs", "kept_bytes")

# Weights, gradients and AdamW's two moments, all float32, when everything learns.
BYTES_A_PARAMETER = 16
BATCH = 32


@dataclass(frozen=True)
class Size:
    """What one network costs at the input size that it was pre-trained on.

    Attributes:
        parameters: Number of scalars that can learn, the pre-trained head included.
        macs: Multiply-adds of one image.
        kept_bytes: Bytes that one image's activations take between forward and backward pass, everything learning,
            float32.
    """

    parameters: int
    macs: int
    kept_bytes: int

    @property
    def step_bytes(self) -> int:
        """Memory that a full fine-tuning step of 32 images needs with AdamW in float32, beside torch itself."""
        return BYTES_A_PARAMETER * self.parameters + BATCH * self.kept_bytes


@cache
def read_sizes() -> dict[str, Size]:
    """Sizes by name in the catalogue; a name that is missing was never measured."""
    if not TABLE.is_file():
        return {}
    with TABLE.open(encoding="utf-8", newline="") as file:
        return {row["name"]: Size(*(int(row[column]) for column in COLUMNS[1:])) for row in csv.DictReader(file)}
