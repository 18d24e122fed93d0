"""Ours beside hand-written Airflow, in one Airflow with the same settings: fan-out, chain, unbalanced tree; enqueue."""

from __future__ import annotations

import statistics
from datetime import datetime
from pathlib import Path
from typing import Any

from airflow_mcp_provider.embedded.airflow import Embedded

DAGS = Path(__file__).parent / "dags"
PAIRS = (
    ("fan", "hand_fan", "fan-out of 50"),
    ("chain", "hand_chain", "chain of 10"),
    ("tree", "hand_tree", "unbalanced tree"),
)


def measure(rounds: int = 3) -> list[tuple[str, str, str]]:
    """Return rows of (what, figure, remark), medians of ``rounds`` runs, ours and the other in turn."""
    rows: list[tuple[str, str, str]] = []
    with Embedded(dags=DAGS) as airflow:
        for dag_id in ("fan", "hand_fan", "enqueue"):
            airflow.api.wait_for_dag(dag_id)
        _seconds(airflow, "fan")  # the first run pays for caches that all others find
        for ours, hand, title in PAIRS:
            pairs = [(_seconds(airflow, ours), _seconds(airflow, hand)) for _ in range(rounds)]
            mine, theirs = (statistics.median(column) for column in zip(*pairs, strict=True))
            rows += [
                (f"{title}, ours", f"{mine:.1f} s", f"{mine / theirs:.2f} x hand-written"),
                (f"{title}, hand-written", f"{theirs:.1f} s", ""),
            ]
        rows += _enqueue(airflow)
    return rows


def _run(airflow: Embedded, dag_id: str) -> tuple[str, dict[str, Any]]:
    run_id = airflow.api.trigger(dag_id, {})
    run = airflow.api.wait(dag_id, run_id, timeout=300)
    assert run["state"] == "success", run
    return run_id, run


def _seconds(airflow: Embedded, dag_id: str) -> float:
    _, run = _run(airflow, dag_id)
    begin, end = (datetime.fromisoformat(run[name]) for name in ("start_date", "end_date"))
    return (end - begin).total_seconds()


def _enqueue(airflow: Embedded) -> list[tuple[str, str, str]]:
    run_id, _ = _run(airflow, "enqueue")
    result: Any = airflow.api.xcom("enqueue", run_id, "report", key="return_value")
    took = sorted(one * 1000 for one in result["result"])
    return [
        ("enqueue, p50", f"{statistics.median(took):.0f} ms", "goal 50 ms"),
        ("enqueue, p95", f"{took[int(len(took) * 0.95)]:.0f} ms", ""),
    ]
