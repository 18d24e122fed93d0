"""What the gate costs: the scheduler's loop with 200 plain DAGs and 200 jobs, gate on and off in turn."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from pathlib import Path

from airflow_mcp_provider.embedded.airflow import Embedded

DAGS = Path(__file__).parent / "gate_dags"
LOOP = Path(__file__).with_name("gate_loop.py")
COUNT = 200


def measure(rounds: int = 3, count: int = COUNT) -> list[tuple[str, str, str]]:
    """Return rows of (what, figure, remark); figures are medians, of loops and decisions and then of rounds."""
    found: dict[bool, list[dict[str, float]]] = {True: [], False: []}
    with Embedded(dags=DAGS, schedulers=0) as airflow:
        airflow.api.wait_for_dag(f"job_{COUNT - 1}", timeout=120)
        for _ in range(rounds):
            for gate, figures in found.items():
                figures.append(_round(airflow, count, gate=gate))
    return [_row(name, found) for name in found[True][0]]


def _round(airflow: Embedded, count: int, *, gate: bool) -> dict[str, float]:
    env = {**airflow.environment(), "AIRFLOW__MCP__GATE": str(gate), "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING"}
    done = subprocess.run(
        [sys.executable, str(LOOP), str(count)], check=True, env=env, stdout=subprocess.PIPE, text=True
    )
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def _row(name: str, found: dict[bool, list[dict[str, float]]]) -> tuple[str, str, str]:
    with_gate, without = (_median(name, found[gate]) for gate in (True, False))
    beside = "" if without is None else f"{without:.1f} ms without the gate"
    return (f"gate, {name}", f"{with_gate:.1f} ms", beside)


def _median(name: str, rounds: list[dict[str, float]]) -> float | None:
    figures = [figures[name] for figures in rounds if name in figures]
    return statistics.median(figures) if figures else None
