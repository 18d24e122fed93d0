"""What a run of the job ``tree`` must come to, told without Airflow, and the check of a real run against it."""

import random
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from airflow_mcp_provider.client.airflow_rest import Json
from airflow_mcp_provider.embedded.airflow import Embedded

sys.path.insert(0, str(Path(__file__).parent / "dags"))

import record
import tree


@dataclass(frozen=True)
class Node:
    """A subtask that must be there once: ``parents`` are those that may have been first to enqueue it."""

    key: str
    parents: frozenset[str | None]
    status: str
    attempts: int
    result: int | None


def parameters(path: Path, **given: object) -> Json:
    """The params of a tree's run, with the job's defaults."""
    defaults = {"size": 1, "seed": 0, "mishaps": 0, "kinds": ["before", "after", "half"], "shared": 0, "sleep": 0}
    return {**defaults, **given, "record": str(path)}


def expected(params: Mapping[str, Any]) -> dict[str, Node]:
    """Every node of the tree by its key."""
    parents: dict[str, set[str | None]] = {}
    payloads: dict[str, Json] = {}
    waiting: list[tuple[str | None, Json]] = [(None, {"node": "r", "size": params["size"]})]
    while waiting:
        parent, payload = waiting.pop()
        known = payload["node"] in payloads
        parents.setdefault(payload["node"], set()).add(parent)
        payloads[payload["node"]] = payload
        if not known:
            waiting += [(payload["node"], child) for child in _enqueued(payload, params)]
    return {key: _node(key, payloads[key], frozenset(parents[key]), params) for key in payloads}


def _enqueued(payload: Json, params: Mapping[str, Any]) -> list[Json]:
    children: list[Json] = tree.branches(payload, params["seed"])
    if params["shared"]:
        number = random.Random(payload["node"]).randrange(params["shared"])
        children = [*children, {"node": f"shared-{number}", "size": 1}]
    return children


def _node(key: str, payload: Json, parents: frozenset[str | None], params: Mapping[str, Any]) -> Node:
    happens = tree.mishap(key, params)
    fails = happens == "final"
    result = None if fails else len(tree.branches(payload, params["seed"]))
    return Node(key, parents, "failed" if fails else "success", 2 if happens in tree.TWO_TRIES else 1, result)


def check(airflow: Embedded, job: str, run_id: str, params: Mapping[str, Any], *, extra_tries: int = 0) -> None:
    """Nothing lost, nothing doubled, the report right; ``extra_tries``: how many tries a killed server may have cost."""
    wanted = expected(params)
    rows = [row for row in airflow.api.task_instances(job, run_id) if row["task_id"] == "run"]
    assert [row["map_index"] for row in rows] == list(range(len(wanted)))
    assert Counter(row["rendered_map_index"] for row in rows) == Counter(list(wanted))
    result = airflow.api.xcom(job, run_id, "report")
    failed = sum(node.status == "failed" for node in wanted.values())
    counts = {"subtasks": len(wanted), "succeeded": len(wanted) - failed, "failed": failed, "skipped": 0}
    assert {name: result[name] for name in counts} == counts
    assert result["state"] == ("partial" if failed else "complete")
    tries = Counter(line["node"] for line in record.seen(params["record"]))
    spare = sum(_check_outcome(*told, wanted[told[0]], tries, result["result"]) for told in result["result"])
    assert len(result["result"]) == len(wanted)
    assert spare <= extra_tries


def _check_outcome(
    key: str, status: str, attempts: int, parent: str | None, depth: int, value: object, error: str | None,
    node: Node, tries: Counter[str], outcomes: list[list[Any]],
) -> int:  # fmt: skip
    """Compare one outcome; returns how many tries it had beyond those that its own mishap costs."""
    depths = {told[0]: told[4] for told in outcomes}
    assert (status, value, error) == (node.status, node.result, "ValueError" if node.status == "failed" else None), key
    assert parent in node.parents, key
    assert depth == (0 if parent is None else depths[parent] + 1), key
    assert node.attempts <= tries[key] <= attempts, key
    return attempts - node.attempts
