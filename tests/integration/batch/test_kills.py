"""SIGKILL of runners in the middle of their batch: only the subtask in hand is repeated."""

from collections import Counter
from pathlib import Path

from airflow_mcp_provider.embedded.airflow import Embedded
from tests.integration.batch.conftest import Start
from tests.integration.growth import forest
from tests.integration.growth.forest import record as notes
from tests.integration.growth.runs import Ended
from tests.integration.steps.conftest import Staged, node

STAGES = ["search", "write", "review"]


def test_a_tree_whose_runners_are_killed(airflow: Embedded, record: Path) -> None:
    """Nodes kill their runner right after they enqueued, some its supervisor, too; others fail, once or for good."""
    kinds = ["kill", "kill", "kill", "before", "after", "half", "final"]
    params = forest.parameters(record, size=60, seed=10, mishaps=0.3, kinds=kinds, shared=3)
    _check(airflow, params, kills=10)


def test_a_tree_whose_machines_are_lost(airflow: Embedded, record: Path) -> None:
    params = forest.parameters(record, size=4, seed=4, mishaps=0.5, kinds=["machine"], shared=1)
    _check(airflow, params, kills=1)


def _check(airflow: Embedded, params: dict[str, object], kills: int) -> None:
    wanted = forest.expected(params)
    assert sum(forest.tree.mishap(key, params) in {"kill", "machine"} for key in wanted) >= kills
    run = Ended(airflow, "packed-tree", airflow.api.trigger("packed-tree", params), timeout=400)
    failed = sum(one.status == "failed" for one in wanted.values())
    assert (run.result["subtasks"], run.result["failed"], run.result["skipped"]) == (len(wanted), failed, 0)
    told = {key: (status, attempts, value) for key, status, attempts, _, _, value, _ in run.result["result"]}
    assert told == {key: (one.status, one.attempts, one.result) for key, one in wanted.items()}
    parents = {key: parent for key, _, _, parent, *_ in run.result["result"]}
    assert all(parents[key] in one.parents for key, one in wanted.items())
    begun = Counter(line["node"] for line in notes.seen(params["record"]))
    assert begun == {key: one.attempts for key, one in wanted.items()}  # finished neighbours are not repeated


def test_a_subtask_that_always_kills_its_runner(airflow: Embedded, start: Start, record: Path) -> None:
    """It has two tries as any other; its neighbours do not pay for it."""
    kills = {"node": "bad", "does": "kill_runner"}
    good = [{"node": f"g{i}", "does": "give", "result": i} for i in range(4)]
    run = Ended(airflow, "packed", start("packed", *good[:2], kills, *good[2:]))
    ended = {key: (one["status"], one["attempts"]) for key, one in run.outcomes.items()}
    assert ended == {"bad": ("failed", 2), **{one["node"]: ("success", 1) for one in good}}
    assert run.outcomes["bad"]["error"]["type"] == "RunnerLost"
    begun = Counter(line["node"] for line in notes.seen(record, begins=True))
    assert begun == {"bad": 2, **{one["node"]: 1 for one in good}}
    assert [(row["state"], row["try_number"]) for row in run.rows()] == [("failed", 3)]


def test_steps_some_of_which_are_packed(airflow: Embedded, start: Start, record: Path) -> None:
    """Runners are killed in each; one subtask fails for good in the middle, and goes no further."""
    nodes = [
        *[node(f"k{number}", **{step: "killed"}) for number in range(2) for step in STAGES],
        node("f", write="fail"),
        node("r", review="fail_first"),
        *[node(f"n{number}") for number in range(3)],
    ]
    nodes = [{**one, "node": f"{one['node']}-{place}"} for place, one in enumerate(nodes)]
    run = Staged(airflow, "packed-stages", start("packed-stages", *nodes), timeout=300)
    reached = {one["node"]: STAGES[:1] if one["node"].startswith("f") else STAGES for one in nodes}
    assert run.reached() == reached
    counts = {name: run.result[name] for name in ("state", "subtasks", "succeeded", "failed", "skipped")}
    assert counts == {"state": "partial", "subtasks": 11, "succeeded": 10, "failed": 1, "skipped": 0}
    assert run.result["steps"]["review"] == {"subtasks": 10, "succeeded": 10, "failed": 0, "skipped": 0}
    begun = Counter((line["node"], line["step"]) for line in notes.seen(record, begins=True))
    tries = {"killed": 2, "fail_first": 2}
    met = {(one["node"], step): one.get("at", {}).get(step) for one in nodes for step in STAGES}
    assert begun == {name: tries.get(what or "", 1) for name, what in met.items() if name in run.outcomes}
    assert [len(run.rows(step)) for step in STAGES] == [3, 11, 4]
