"""Thousands of subtasks in hundreds of runners at once: what they wait for, what a person at the UI waits, what works.

The runners are simulated (``tests.swarm``); scheduler, API servers and Postgres are real. By hand, one part of it with
other sizes: ``python tests/benchmarks/swarm.py growth --roots 12 --kids 4 --slots 40``.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from rich.console import Console
from rich.table import Table

from tests.swarm.figures import Measured
from tests.swarm.load import Load
from tests.swarm.measure import Topology, swarm

Row = tuple[str, str, str]
DEFAULT_POOL = {
    "AIRFLOW__DATABASE__SQL_ALCHEMY_POOL_SIZE": "5",
    "AIRFLOW__DATABASE__SQL_ALCHEMY_MAX_OVERFLOW": "10",
}
BEAT = 5.0
"""Seconds between heartbeats where a thousand run at once, as ``settings.env`` advises there."""


@dataclass(frozen=True)
class Size:
    """How much of it."""

    roots: int = 200
    kids: int = 9
    slots: int = 200
    sleepers: int = 1000
    minutes: float = 5
    limit: float = 3600

    @property
    def subtasks(self) -> int:
        """Roots and their children."""
        return self.roots * (1 + self.kids)


def growth(size: Size) -> list[Row]:
    """Found by ``enqueue``, one at a time, beside as many mapped tasks that are known beforehand."""
    return _beside(size, "", Topology(size.slots))


def default_pool(size: Size) -> list[Row]:
    """The same with as many connections of the database as Airflow's API server has by default."""
    return _beside(size, ", default pool", Topology(size.slots, env=DEFAULT_POOL))


def two_servers(size: Size) -> list[Row]:
    """The same with two API servers, and two schedulers, each of which has its runners use one of them."""
    return _beside(size, ", two API servers", Topology(size.slots // 2, api_servers=2, schedulers=2))


def sleepers(size: Size) -> list[Row]:
    """Many that do nothing but tell that they live."""
    with swarm(Topology(size.sleepers, beat=BEAT)) as started:
        found = started.measure(Load(size.sleepers, sleep=size.minutes * 60), size.limit)
    return _rows(f"{size.sleepers:,} sleep for {size.minutes:g} min", found, "heartbeat")


PARTS: Mapping[str, Callable[[Size], list[Row]]] = {
    "growth": growth,
    "default-pool": default_pool,
    "two-servers": two_servers,
    "sleepers": sleepers,
}


def measure(parts: list[str] | None = None, size: Size | None = None) -> list[Row]:
    """Return rows of (what, figure, remark), of some parts or of all."""
    return [row for part in parts or PARTS for row in PARTS[part](size or Size())]


def _beside(size: Size, where: str, topology: Topology) -> list[Row]:
    with swarm(topology) as started:
        for first in (Load(2, 1), Load(2, dag="stock")):  # they pay for caches that all others find
            started.measure(first)
        ours = started.measure(Load(size.roots, size.kids), size.limit)
        stock = started.measure(Load(size.subtasks, dag="stock"), size.limit)
    return [
        *_rows(
            f"{size.subtasks:,} found by enqueue{where}",
            ours,
            "enqueue",
            beside=f"{ours.seconds / stock.seconds:.2f} x",
        ),
        *_rows(f"{size.subtasks:,} mapped by hand{where}", stock, "xcom"),
    ]


def _rows(what: str, found: Measured, call: str, beside: str = "") -> list[Row]:
    told = found.told
    took = told.calls.get(call)
    spent = ", ".join(f"{part} {seconds:.0f}" for part, seconds in found.cpu.items())
    return [
        (what, f"{found.seconds:.0f} s, {found.state}", beside),
        ("  lost, doubled", f"{len(found.lost)}, {len(found.doubled)}", f"{found.got} of {found.wanted}"),
        (f"  {call}, p50 / p95 / max", str(took), f"{told.enqueue_rate:.1f} enqueues a second"),
        ("  calls not answered well", f"{told.failed}", f"{told.timeouts} timed out, {told.broken} cut"),
        ("  a read of the UI, p50 / p95 / max", str(found.reads), f"none for {found.standstill:.1f} s"),
        ("  CPU seconds", f"{sum(found.cpu.values()):.0f}", spent),
    ]


def main() -> None:
    """Measure one part."""
    parser = argparse.ArgumentParser("swarm", description=str(__doc__).splitlines()[0])
    parser.add_argument("part", choices=PARTS, nargs="*")
    default = Size()
    for name in ("roots", "kids", "slots", "sleepers"):
        parser.add_argument(f"--{name}", type=int, default=getattr(default, name))
    for name in ("minutes", "limit"):
        parser.add_argument(f"--{name}", type=float, default=getattr(default, name))
    told = vars(parser.parse_args())
    table = Table("what", "figure", "beside")
    for row in measure(told.pop("part"), Size(**told)):
        table.add_row(*row)
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
