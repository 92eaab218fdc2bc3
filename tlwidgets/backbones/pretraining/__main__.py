"""Command line: `python -m tlwidgets.backbones.pretraining NAME [--minutes M | --steps N] [--seed S] [--out DIR]`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import torch

from tlwidgets.backbones.pretraining.bundle import write_bundle
from tlwidgets.backbones.pretraining.card import write_card
from tlwidgets.backbones.pretraining.loop import Pretraining
from tlwidgets.backbones.pretraining.recipes import RECIPES, find_recipe
from tlwidgets.errors import TlwError


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m tlwidgets.backbones.pretraining", description=__doc__)
    parser.add_argument("name", help=f"which backbone to make: {', '.join(RECIPES)}")
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--minutes", type=float, help="length of the run by the clock (default: the recipe's)")
    length.add_argument("--steps", type=int, help="length in steps: the same on every machine")
    parser.add_argument("--seed", type=int, default=0, help="of weights, drawings and order (default 0)")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads (default 1: safest on a shared machine)")
    parser.add_argument("--out", type=Path, help="folder to write (default pretrained/NAME)")
    parser.add_argument("--resume", action="store_true", help="continue from the checkpoint in --out")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """Pretrain one backbone and write its folder; returns the exit status."""
    options = parse(arguments)
    torch.set_num_threads(options.threads)
    out = options.out or Path("pretrained") / options.name
    try:
        recipe = find_recipe(options.name)
        run = Pretraining(recipe, out / "training", seed=options.seed, steps=options.steps, minutes=options.minutes)
        if options.resume:
            run.restore()
        run.run()
        write_bundle(run, out)
        write_card(out)
    except TlwError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
