"""CARD.md of a bundled backbone: how it was made and what was measured, from pretraining.json and targets.json."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tlwidgets.backbones.pretraining.bundle import FACTS, WEIGHTS, sha256

TARGETS = "targets.json"
"""What a benchmark measured on real images: {"shots": [...], "rows": {target: {method: [[mean, sd], ...]}}}."""
CARD = "CARD.md"
LICENCES = """\
The weights are under the licence of this package (BSD-3-Clause). No photograph and no weights from elsewhere were used.
Letters and symbols were drawn with the fonts that Matplotlib installs and that stay where they are: DejaVu 2.37
(Bitstream Vera licence; changes by the DejaVu project in the public domain) and STIX 1 (SIL Open Font Licence 1.1).
No digit and no number of any script was drawn."""


def write_card(folder: Path) -> None:
    """Write CARD.md from the JSON files of the folder, without the part on real images if nothing was measured."""
    facts = json.loads((folder / FACTS).read_text())
    parts = [_head(facts, folder), _source(facts)]
    if (folder / TARGETS).exists():
        parts.append(_targets(json.loads((folder / TARGETS).read_text())))
    parts.append(f"## Licences\n\n{LICENCES}\n")
    (folder / CARD).write_text("\n".join(parts))


def _head(facts: Mapping[str, Any], folder: Path) -> str:
    recipe = facts["recipe"]
    size = (folder / WEIGHTS).stat().st_size
    length = f"{facts['steps']:,} steps of {recipe['batch_size']}, {facts['cpu_minutes']} minutes of one CPU thread"
    arguments = ", ".join(f"{name}={value}" for name, value in recipe["model_args"].items())
    return f"""# {recipe["name"]}

`{recipe["architecture"]}({arguments})` of timm, pretrained on drawn images only.

| | |
|---|---|
| made by | `python -m tlwidgets.backbones.pretraining {recipe["name"]} --seed {facts["seed"]}` |
| seed | {facts["seed"]} |
| images seen | {facts["images"]:,} in {length} |
| input | 3 x {recipe["image_size"]} x {recipe["image_size"]} |
| file | {WEIGHTS}, 16-bit floats, {size:,} bytes |
| sha256 | `{sha256(folder / WEIGHTS)}` |
| load | `timm.create_model("local-dir:<this folder>", pretrained=True)` |
"""


def _source(facts: Mapping[str, Any]) -> str:
    parts = _parts(facts["recipe"])
    rows = [
        f"| {family} | {', then '.join(f'{part[family]:.2f}' for part in parts)} | {classes} | "
        f"{100 * facts['accuracy_fresh_views'][family]:.1f} | {100 * facts['accuracy_held_out_drawings'][family]:.1f} |"
        for family, classes in facts["classes"].items()
    ]
    return "\n".join(
        [
            "## Source",
            "",
            "Accuracy in per cent, out of the classes of all families, on fresh views of drawings seen in training and",
            "on drawings held out: other fonts, other hands, other samples of a texture, another part of a scene.",
            "",
            "| family | share of a batch | classes | fresh views | held-out drawings |",
            "|---|---|---|---|---|",
            *rows,
            "",
        ]
    )


def _parts(recipe: Mapping[str, Any]) -> list[Mapping[str, float]]:
    """Shares of the families in each part of the run, the first part first."""
    before = _parts(recipe["follows"]) if recipe["follows"] else []
    return [*before, recipe["families"]]


def _targets(measured: Mapping[str, Any]) -> str:
    lines = [
        "## Real images",
        "",
        "Logistic regression (L2, C=1) on pooled features: accuracy in per cent, mean ± sd over",
        f"{measured['draws']} draws of the labels. The features of the untrained network are standardised on the",
        "labelled images, which helps them much; pretrained features and pixels enter as they are.",
        "",
        *table(measured, "features"),
        "",
    ]
    if "fine_tuning" in measured:
        tuned = measured["fine_tuning"]
        lines += [
            f"The whole network, {tuned['steps']} steps of the engine's default recipe, mean ± sd over",
            f"{tuned['draws']} draws; from scratch every stage learns at the full rate.",
            "",
            *table(tuned, "start"),
            "",
        ]
    return "\n".join([*lines, *_verdict(measured), ""])


def table(measured: Mapping[str, Any], column: str) -> list[str]:
    """Lines of a Markdown table: one row a target and method, one column a number of labels."""
    lines = [
        f"| target | {column} | " + " | ".join(f"{shot} a class" for shot in measured["shots"]) + " |",
        "|---|---|" + "---|" * len(measured["shots"]),
    ]
    for target, methods in measured["rows"].items():
        for method, cells in methods.items():
            lines.append(f"| {target} | {method} | " + " | ".join(f"{m:.1f} ± {s:.1f}" for m, s in cells) + " |")
    return lines


def _verdict(measured: Mapping[str, Any]) -> list[str]:
    """What the figures say: by how much pretraining helps or harms each target at 5 labels a class."""
    at = measured["shots"].index(5)
    lines = []
    for target, methods in measured["rows"].items():
        gain = methods["pretrained"][at][0] - methods["random network"][at][0]
        over_pixels = methods["pretrained"][at][0] - methods["pixels"][at][0]
        word = "Good" if min(gain, over_pixels) > 2 else "No gain" if min(gain, over_pixels) > -2 else "Bad"
        lines.append(
            f"- {word} at {target}: {gain:+.1f} points over the untrained network and {over_pixels:+.1f} over pixels"
            " at 5 labels a class."
        )
    return lines
