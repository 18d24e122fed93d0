"""Every benchmark, one table: ``python tests/benchmarks [parse] [imports] [runs] [gate] [queue] [schedule] [batch] [status] [pages] [swarm] [pods]``.

All without a name. ``swarm`` takes an hour; one part of it: ``swarm.growth`` (see ``swarm.PARTS``).
"""

from __future__ import annotations

import functools
import sys

import batch
import deep_queue
import gate
import pages
import parse
import pods
import runs
import schedule
import status
import swarm
from rich.console import Console
from rich.table import Table

PARTS = {
    "parse": parse.measure,
    "imports": parse.imports,
    "runs": runs.measure,
    "gate": gate.measure,
    "queue": deep_queue.measure,
    "schedule": schedule.measure,
    "batch": batch.measure,
    "status": status.measure,
    "pages": pages.measure,
    "swarm": swarm.measure,
    "pods": pods.measure,
}
ONE_OF_SWARM = {f"swarm.{part}": functools.partial(swarm.measure, [part]) for part in swarm.PARTS}


def main(names: list[str]) -> None:
    """Measure the parts named, all when none is."""
    parts = {**PARTS, **ONE_OF_SWARM}
    if unknown := [name for name in names if name not in parts]:
        raise SystemExit(f"no part {', '.join(unknown)}; expected some of: {', '.join(parts)}")
    table = Table("what", "figure", "beside")
    for name in names or PARTS:
        for row in parts[name]():
            table.add_row(*row)
    Console(width=110).print(table)


if __name__ == "__main__":
    main(sys.argv[1:])
