"""Every benchmark, one table: ``python tests/benchmarks [parse] [imports] [runs] [gate] [batch] [pods]``; all without a name."""

from __future__ import annotations

import sys

import batch
import gate
import parse
import pods
import runs
from rich.console import Console
from rich.table import Table

PARTS = {
    "parse": parse.measure,
    "imports": parse.imports,
    "runs": runs.measure,
    "gate": gate.measure,
    "batch": batch.measure,
    "pods": pods.measure,
}


def main(names: list[str]) -> None:
    """Measure the parts named, all when none is."""
    table = Table("what", "figure", "beside")
    for name in names or PARTS:
        for row in PARTS[name]():
            table.add_row(*row)
    Console(width=110).print(table)


if __name__ == "__main__":
    main(sys.argv[1:])
