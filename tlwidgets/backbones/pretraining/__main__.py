"""Command line: `python -m tlwidgets.backbones.pretraining NAME [--steps N | --minutes M] [--seed S] [--out DIR]`."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

import torch

from tlwidgets.backbones.pretraining.bundle import write_bundle
from tlwidgets.backbones.pretraining.card import write_card
from tlwidgets.backbones.pretraining.loop import Pretraining
from tlwidgets.backbones.pretraining.recipes import RECIPES, PretrainingRecipe, find_recipe
from tlwidgets.errors import TlwError


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m tlwidgets.backbones.pretraining", description=__doc__)
    parser.add_argument("name", help=f"which backbone to make: {', '.join(RECIPES)}")
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--steps", type=int, help="length of the run in steps (default: the recipe's)")
    length.add_argument("--minutes", type=float, help="length by the clock, other on every machine")
    parser.add_argument("--seed", type=int, default=0, help="of weights, drawings and order (default 0)")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads (default 1: safest on a shared machine)")
    parser.add_argument("--out", type=Path, help="folder to write (default pretrained/NAME)")
    parser.add_argument("--resume", action="store_true", help="continue from the checkpoints in --out")
    return parser.parse_args(arguments)


def train(recipe: PretrainingRecipe, out: Path, options: argparse.Namespace) -> Pretraining:
    """Run a recipe after the one that it follows, each with its share of the steps or minutes."""
    after = train(recipe.follows, out, shorten(options, recipe.follows, recipe)) if recipe.follows else None
    own = shorten(options, replace(recipe, follows=None), recipe)
    folder = out / "training" / recipe.name
    run = Pretraining(recipe, folder, seed=options.seed, steps=own.steps, minutes=own.minutes, after=after)
    if options.resume and run.has_checkpoint:
        run.restore()
    run.run()
    return run


def shorten(options: argparse.Namespace, part: PretrainingRecipe, whole: PretrainingRecipe) -> argparse.Namespace:
    """The options with the share of the length that a part has in the whole."""
    share = part.total_steps / whole.total_steps
    steps = None if options.steps is None else max(1, round(options.steps * share))
    minutes = None if options.minutes is None else options.minutes * share
    return argparse.Namespace(**vars(options) | {"steps": steps, "minutes": minutes})


def main(arguments: list[str] | None = None) -> int:
    """Pretrain one backbone and write its folder; returns the exit status."""
    options = parse(arguments)
    torch.set_num_threads(options.threads)
    out = options.out or Path("pretrained") / options.name
    try:
        run = train(find_recipe(options.name), out, options)
        write_bundle(run, out)
        write_card(out)
    except TlwError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
