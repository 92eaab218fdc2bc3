"""What it costs to rank ten backbones on 500 images, beside training with each of them.

    python benchmarks/ranking.py [--write]

The four bundled networks, and six small ones of timm with random weights: what a score costs does not depend on what
the weights are worth. Beside it stands fine-tuning each on the same images for five epochs, the shortest run that could
rank them by its result. CPU seconds of one process, on one thread, one after the other.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import torch

import tlwidgets as tlw

BUNDLED = ("tlw_resnet", "tlw_vit", "tlw_resnet_pen", "tlw_resnet_texture")
RANDOM = ("test_resnet", "test_vit", "test_efficientnet", "test_convnext", "test_byobnet", "test_mambaout")
IMAGES, EPOCHS = 500, 5
RESULTS = Path(__file__).parent / "results" / "ranking.md"


def networks() -> dict[str, tlw.Backbone]:
    """Ten networks by name."""
    return {name: tlw.load_backbone(name, pretrained=name in BUNDLED) for name in (*BUNDLED, *RANDOM)}


def train(name: str, data: tlw.ImageData) -> float:
    """CPU seconds of fine-tuning one of them."""
    began = time.process_time()
    recipe = tlw.Recipe(data=data, backbone=name, pretrained=name in BUNDLED, epochs=EPOCHS)
    with tempfile.TemporaryDirectory() as folder:
        tlw.fit(recipe, Path(folder) / "run", progress=False)
    return time.process_time() - began


def main() -> None:
    """Measures, prints, writes."""
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--write", action="store_true", help=f"also into {RESULTS.name}")
    options = made.parse_args()
    torch.set_num_threads(1)
    data = tlw.load_data("digits", labels_per_class=IMAGES // 10)
    tlw.rank_backbones(data, BUNDLED[:1], images=20, progress=False)  # imports
    shelf = networks()
    began = time.process_time()
    tlw.rank_backbones(data, shelf, images=IMAGES, progress=False)
    took = time.process_time() - began
    trained = sum(train(name, data) for name in shelf)
    text = (
        f"Ranking {len(shelf)} backbones on {IMAGES} images by seven scores, each beside 20 shufflings and "
        f"an interval, takes {took / trained:.2f} of the CPU seconds of fine-tuning each for {EPOCHS} epochs "
        f"({took:.0f} and {trained:.0f} here).\n"
    )
    print(text)
    if options.write:
        RESULTS.write_text(f"# Ranking beside training\n\n`python benchmarks/ranking.py`\n\n{text}")


if __name__ == "__main__":
    main()
