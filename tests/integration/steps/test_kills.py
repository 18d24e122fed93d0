"""SIGKILL of runners in their work and in between their steps: nothing is lost, nothing done twice."""

from collections import Counter

from airflow_mcp_provider.embedded.airflow import Embedded
from tests.integration.growth.waiting import until
from tests.integration.steps.conftest import Record, Staged, Start, node
from tests.sizes import FULL

STAGES = ["search", "write", "review"]
IN_BETWEEN = "killed_in_between"
MANY = 2 if FULL else 1


def test_runners_killed_in_their_work_and_in_between(airflow: Embedded, start: Start, record: Record) -> None:
    """Some die at work, others after they handed on: the work of those is not repeated, and their result is kept."""
    nodes = [
        *[node(f"k{number}", **{step: "killed"}) for number in range(MANY) for step in STAGES],
        *[node(f"b{number}", search=IN_BETWEEN) for number in range(2 * MANY)],
        *[node(f"c{number}", write=IN_BETWEEN) for number in range(MANY)],
        node("d", search=IN_BETWEEN, write=IN_BETWEEN),
        node("m", search="machine_lost_in_between"),
        *[node(f"n{number}") for number in range(2 * MANY)],
    ]
    nodes = [{**one, "node": f"{one['node']}-{place}"} for place, one in enumerate(nodes)]
    run = Staged(airflow, "stages", start("stages", *nodes))
    assert (run.run["state"], run.result["state"]) == ("success", "complete")
    assert run.reached() == {one["node"]: STAGES for one in nodes}
    met = {(one["node"], step): one.get("at", {}).get(step, "") for one in nodes for step in STAGES}
    assert Counter(record.begun()) == {name: 2 if what == "killed" else 1 for name, what in met.items()}
    attempts = {name: one["attempts"] for name, one in run.outcomes.items()}
    assert attempts == {name: 2 if what else 1 for name, what in met.items()}
    assert all(one["result"]["by"] == step for (_, step), one in run.outcomes.items())


def test_runners_killed_in_between_that_have_no_further_try(airflow: Embedded, start: Start, record: Record) -> None:
    """``write`` of this job has one attempt. What was handed on goes on, and its runner's end is no failure."""
    run = Staged(airflow, "strict", start("strict", node("a", write=IN_BETWEEN), node("b")))
    assert [row["state"] for row in run.rows("write")] == ["failed", "success"]
    assert (run.run["state"], run.result["state"], run.result["succeeded"]) == ("success", "complete", 2)
    assert run.outcomes["a", "write"]["status"] == "success"
    assert Counter(record.begun()) == dict.fromkeys(run.outcomes, 1)


def test_servers_killed_in_the_middle(airflow: Embedded, start: Start, record: Record) -> None:
    """One scheduler and one API server of two, while ten subtasks are on their way."""
    nodes = [node(f"n{number}") for number in range(10)]
    run_id = start("stages", *nodes)
    until(lambda: len(record.ended(step="write")) >= 3, what="three of them written")
    for name in ("api-server-2", "scheduler-1"):
        airflow.kill(name)
    try:
        airflow.start("api-server-2")
        run = Staged(airflow, "stages", run_id, timeout=400)
    finally:
        airflow.start("scheduler-1")
    assert run.result["state"] == "complete"
    assert run.reached() == {one["node"]: STAGES for one in nodes}
    assert all(times <= run.outcomes[name]["attempts"] for name, times in Counter(record.begun()).items())
