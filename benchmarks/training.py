"""Training side by side: tlwidgets, a bare PyTorch loop, fastai, Lightning and Keras 3 on torch.

    make bench                                                   # everything; hours on a small machine
    python benchmarks/training.py --quick                        # does it run? a minute
    python benchmarks/training.py --works features last --networks resnet18 --rounds 3
    python benchmarks/training.py --works overhead dashboard gain memory

Every contender trains the same network, from the same weights, on the same JPEG files, with the same batch size, epochs
and AdamW, and is timed from the folder of files to the accuracy on the test files: building the network, decoding the
way it does by default, a look at the validation files after every epoch. Each has a process of its own; they work one
after the other, in another order every round. Compared are the seconds of one round; the table shows the medians.
What is measured replaces the rows of benchmarks/results/training.json that it measured before; training.md is written
from that.
"""

from __future__ import annotations

import argparse
import dataclasses
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from side_by_side.figures import share_above, summary
from side_by_side.job import Job
from side_by_side.report import machine, remember, text
from side_by_side.workers import Workers
from side_by_side.works import CHECKS, PEERS, RECIPES, WORKS, Work
from tqdm import tqdm

NETWORKS = ("resnet18", "vit_tiny_patch16_224")
RESULTS = Path(__file__).parent / "results"


class Measurement:
    """Asks the contenders.

    Args:
        workers: Their processes.
        folder: Where pictures and weights are kept.
        options: Of the command line.
    """

    def __init__(self, workers: Workers, folder: str, options: argparse.Namespace) -> None:
        self.workers, self.folder, self.options = workers, folder, options
        self.say: Callable[[str], None] = lambda _: None

    def job(self, network: str, learning: str, **changes: Any) -> Job:
        """A job for a network of which a part learns."""
        fields = self.workers.prepare(self.folder, network, self.options.images, learning)
        return Job(**{**fields, "batch_size": self.options.batch_size, **changes})

    def work(self, network: str, work: Work) -> dict[str, Any]:
        """Peers and ours, in another order every round; each round has its own seed."""
        epochs = min(work.epochs, self.options.epochs or work.epochs)
        job = self.job(network, work.learning, epochs=epochs, augment=work.augment)
        contenders = [*self.options.peers, *RECIPES]
        rounds: dict[str, list[dict[str, Any]]] = {name: [] for name in contenders}
        for number in range(self.options.rounds):
            for name in _turn(contenders, number):
                self.say(f"{network}, {work.title}: {name}")
                rounds[name].append(self._one(name, dataclasses.replace(job, seed=number), work))
        return {"epochs": epochs, **summary(rounds, self.options.peers, list(RECIPES))}

    def _one(self, name: str, job: Job, work: Work) -> dict[str, Any]:
        if name in RECIPES:
            return self.workers.ask("ours", dataclasses.replace(job, settings={**RECIPES[name], **work.settings}))
        return self.workers.ask(name, job)

    def overhead(self, network: str) -> dict[str, Any]:
        """What the whole loop costs beside a bare one at equal precision: epochs in turn, in one process."""
        found = self.workers.ask("ours", self.job(network, "all", epochs=2 + self._pairs, task="overhead"))
        return {"share": share_above(found["ours"], found["bare"]), "pairs": len(found["bare"])}

    def dashboard(self, network: str) -> dict[str, Any]:
        """What a dashboard without a page costs: short steps, which it can slow the most."""
        found = self.workers.ask("ours", self.job(network, "last", epochs=2 + self._pairs, task="dashboard"))
        return {"share": share_above(found["with"], found["without"]), "pairs": len(found["with"])}

    def gain(self, network: str) -> dict[str, Any]:
        """What the prefix cache gains and what it said it would, for half of the stages and for the last one."""
        rows = {}
        for learning in ("half", "last"):
            job = self.job(network, learning, epochs=2 + self._pairs)
            plain, cached = [
                self.workers.ask("ours", dataclasses.replace(job, settings={"cache": cache}))
                for cache in ("off", "auto")
            ]
            rows[learning] = {
                "predicted": cached["predicted"],
                "measured": 1 + share_above(plain["epoch_cpu_seconds"][1:], cached["epoch_cpu_seconds"][1:]),
            }
        return rows

    def memory(self, network: str) -> dict[str, Any]:
        """Peak memory above that of the imports, each in a fresh process, of ours and of the bare loop."""
        rows = {}
        for learning in ("head", "last", "all"):
            job = self.job(network, learning, epochs=min(3, self._pairs))
            self.workers.end("ours")
            rows[learning] = {}
            for name in ("bare", "ours"):
                rows[learning][name] = self.workers.ask(name, job)["peak_bytes"] / 2**20
                self.workers.end(name)
        return rows

    @property
    def _pairs(self) -> int:
        return 2 if self.options.quick else 2 * self.options.rounds


def _turn(contenders: Sequence[str], number: int) -> list[str]:
    """Another one begins every round, and every other round goes backwards."""
    first = number % len(contenders)
    order = [*contenders[first:], *contenders[:first]]
    return order[::-1] if number % 2 else order


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--works", nargs="+", choices=[*WORKS, *CHECKS], default=[*WORKS, *CHECKS], metavar="WORK")
    made.add_argument("--peers", nargs="*", choices=list(PEERS), default=list(PEERS), metavar="PEER")
    made.add_argument("--networks", nargs="+", choices=NETWORKS, default=list(NETWORKS), metavar="NETWORK")
    made.add_argument("--rounds", type=int, default=3)
    made.add_argument("--images", type=int, default=640, help="for training; a quarter of it for val, as many for test")
    made.add_argument("--batch-size", type=int, default=32)
    made.add_argument("--epochs", type=int, help="at most so many, where a work has more")
    made.add_argument("--threads", type=int, default=1, help="of every contender")
    made.add_argument("--folder", help="keep pictures and weights here; a temporary folder otherwise")
    made.add_argument("--results", type=Path, default=RESULTS, help="folder of training.json and training.md")
    made.add_argument("--quick", action="store_true", help="one round, two epochs, 40 images: does it run?")
    return made


def main() -> None:
    """Measures, prints, writes."""
    options = parser().parse_args()
    if options.quick:
        options.rounds, options.images, options.epochs, options.batch_size = 1, 40, 2, 8
    tasks = [(network, work) for network in options.networks for work in options.works]
    with tempfile.TemporaryDirectory() as folder, Workers(options.threads) as workers, tqdm(tasks) as bar:
        measurement = Measurement(workers, options.folder or folder, options)
        measurement.say = bar.set_description_str
        for network, work in bar:
            measurement.say(f"{network}: {work}")
            row = measurement.work(network, WORKS[work]) if work in WORKS else getattr(measurement, work)(network)
            row |= {"images": options.images, "threads": options.threads}
            bar.write(text({network: {work: row}}))
            if not options.quick:
                remember(options.results, network, work, row, machine())


if __name__ == "__main__":
    main()
