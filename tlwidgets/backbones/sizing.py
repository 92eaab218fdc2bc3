"""Measures the networks of the catalogue on torch's meta device, which holds shapes and no numbers.

``python -m tlwidgets.backbones.sizing`` adds what ``sizes.csv`` lacks, such as the networks of a new timm; delete the
file to measure all afresh (about twenty minutes of one core). Networks that cannot be built or run there are named and
left out.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Hashable, Iterator

import torch
from torch.utils.flop_counter import FlopCounterMode
from tqdm import tqdm

from tlwidgets.backbones.backbone import Backbone
from tlwidgets.backbones.catalogue import Entry, catalogue
from tlwidgets.backbones.loading import load_backbone
from tlwidgets.backbones.sizes import COLUMNS, TABLE, Size, read_sizes

# BatchNorm in training mode needs more than one value a channel, and some networks end at 1 x 1 pixels.
IMAGES = 2


def measure(name: str) -> Size:
    """Measures one image backbone by name, without its weights.

    Raises:
        BackboneError: No backbone has this name, or it cannot be built without numbers.
    """
    try:
        with torch.device("meta"):
            backbone = load_backbone(name, pretrained=False)
    except NotImplementedError:  # a few compute their widths with tensors, which must hold numbers
        backbone = load_backbone(name, pretrained=False)
        backbone.model.to("meta")
    parameters = sum(parameter.numel() for parameter in backbone.model.parameters())
    macs, kept = _one_pass(backbone)
    return Size(parameters, macs // IMAGES, kept // IMAGES)


def _one_pass(backbone: Backbone) -> tuple[int, int]:
    """Multiply-adds of a forward pass of two images, and the bytes that it keeps for the backward pass."""
    model = backbone.model.train()
    own = {parameter.untyped_storage()._cdata for parameter in model.parameters()}
    kept: dict[int, torch.UntypedStorage] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        kept[storage._cdata] = storage  # held, so that no other takes its address
        return tensor

    example = backbone.example().to("meta")
    batch = example.expand(IMAGES, *example.shape[1:]).contiguous()
    counter = FlopCounterMode(display=False)
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor), counter:
        output = model(batch)
    del output
    # A multiply-add is two floating-point operations.
    return counter.get_total_flops() // 2, sum(s.nbytes() for key, s in kept.items() if key not in own)


def _alike(entry: Entry) -> Hashable:
    """What decides the size of a network: tags that differ in their weights alone are measured once."""
    if entry.source != "timm":
        return entry.name
    import timm

    config = timm.get_pretrained_cfg(entry.name)
    return entry.family, config.num_classes, tuple(config.input_size)


def missing_sizes(measured: Callable[[str], Size] = measure) -> Iterator[tuple[str, Size | Exception]]:
    """Measures what the table lacks, one name after the other, with the reason where that cannot be done."""
    known = dict(read_sizes())
    entries = [entry for entry in catalogue() if entry.source != "transformers"]
    found: dict[Hashable, Size | Exception] = {_alike(e): known[e.name] for e in entries if e.name in known}
    for entry in tqdm([entry for entry in entries if entry.name not in known], unit="network"):
        key = _alike(entry)
        if key not in found:
            try:
                found[key] = measured(entry.name)
            except Exception as error:  # noqa: BLE001  told to the caller, and the others are measured
                found[key] = error
        yield entry.name, found[key]


def main() -> None:
    """Adds what is missing to the table, then sorts it."""
    new = not TABLE.is_file()
    with TABLE.open("a", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        if new:
            writer.writerow(COLUMNS)
        for name, size in missing_sizes():
            if isinstance(size, Size):
                writer.writerow([name, size.parameters, size.macs, size.kept_bytes])
                file.flush()
            else:
                sys.stderr.write(f"{name}: {type(size).__name__}: {str(size)[:200]}\n")
    head, *rows = TABLE.read_text("utf-8").splitlines()
    TABLE.write_text("\n".join([head, *sorted(rows)]) + "\n", "utf-8")


if __name__ == "__main__":
    main()
