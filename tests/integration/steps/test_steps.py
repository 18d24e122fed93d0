"""Jobs with stages on a real Airflow: each subtask at its own pace, growth, failures, barriers, stops, clears."""

from collections import Counter, deque
from pathlib import Path

from airflow_mcp_provider.cli import progress
from airflow_mcp_provider.embedded.airflow import Embedded
from tests.integration.growth.waiting import until
from tests.integration.steps.conftest import Record, Staged, Start, node
from tests.sizes import FULL

STAGES = ["search", "write", "review"]
MANY = 20 if FULL else 10


def test_many_subtasks_go_through_three_stages_and_wait_for_nobody(
    airflow: Embedded, start: Start, record: Record, tmp_path: Path
) -> None:
    """The first is held back in its first stage until all others are through their last."""
    gate = tmp_path / "gate"
    others = [f"n{number}" for number in range(1, MANY)]
    run_id = start("stages", node("n0", search="wait", file=str(gate)), *map(node, others))
    until(lambda: len(record.ended(step="review")) == len(others), what="the others' reviews")
    assert not record.ended(node="n0")
    seen = progress.counts(airflow.api, "stages", run_id, progress.steps(airflow.api, "stages"))
    assert str(seen).startswith(f"known {3 * MANY - 2}  done ")
    gate.touch()
    last = deque(progress.updates(airflow.api, "stages", run_id), maxlen=1)[0]
    each = "  ".join(f"{step} {MANY}/{MANY}" for step in sorted(STAGES))
    assert str(last) == f"known {3 * MANY}  done {3 * MANY}  running 0  failed 0  {each}"
    run = Staged(airflow, "stages", run_id)
    assert (run.run["state"], run.result["state"]) == ("success", "complete")
    assert run.reached() == dict.fromkeys(["n0", *others], STAGES)
    assert Counter(record.begun()) == dict.fromkeys(run.outcomes, 1)
    counts = {"subtasks": MANY, "succeeded": MANY, "failed": 0, "skipped": 0}
    assert {key: run.result[key] for key in counts} == counts
    assert run.result["steps"] == dict.fromkeys(STAGES, counts)
    labels = [row["rendered_map_index"] for row in run.rows("write")]
    assert labels == [key for key, step in run.outcomes if step == "write"]


def test_what_a_stage_is_given(airflow: Embedded, start: Start) -> None:
    """The results of the steps before it, by their names; the same key and payload."""
    run = Staged(airflow, "stages", start("stages", node("a", search="fail_first")))
    results = {step: run.outcomes["a", step]["result"] for step in STAGES}
    assert results["search"] == {"by": "search", "try": 2, "sees": {}}
    assert results["write"] == {"by": "write", "try": 1, "sees": {"search": 2}}
    assert results["review"] == {"by": "review", "try": 1, "sees": {"search": 2, "write": 1}}
    assert {one["payload"]["node"] for one in run.outcomes.values()} == {"a"}
    assert [run.outcomes["a", step]["parent"] for step in STAGES] == [None, "a", "a"]
    assert [run.outcomes["a", step]["depth"] for step in STAGES] == [0, 0, 0]


def test_growth_in_the_middle_and_failures_for_good(airflow: Embedded, start: Start, record: Record) -> None:
    """What a middle step enqueues begins there; a key that the run knows is known in every step."""
    children = [node("x1"), node("x2", write="grow", children=[node("x3"), node("x1")]), node("plain")]
    run = Staged(
        airflow,
        "stages",
        start(
            "stages",
            node("parent", write="grow", children=children),
            node("plain"),
            node("no-search", search="fail"),
            node("no-write", write="fail"),
            node("no-review", review="fail"),
        ),
    )
    assert run.outcomes["parent", "write"]["result"]["new"] == [True, True, False]
    assert run.outcomes["x2", "write"]["result"]["new"] == [True, False]
    assert run.reached() == {
        "parent": STAGES,
        "plain": STAGES,
        **{key: ["write", "review"] for key in ("x1", "x2", "x3")},
        "no-search": [],
        "no-write": ["search"],
        "no-review": ["search", "write"],
    }
    grown = run.outcomes["x3", "write"], run.outcomes["x3", "review"]
    assert [(one["parent"], one["depth"]) for one in grown] == [("x2", 2), ("x3", 2)]
    assert grown[1]["result"]["sees"] == {"write": 1}
    assert (run.result["state"], run.result["subtasks"], run.result["succeeded"], run.result["failed"]) == (
        "partial",
        8,
        5,
        3,
    )
    failures = [(one["key"], one["step"], one["type"]) for one in run.result["failures"]]
    assert failures == [(f"no-{step}", step, "LookupError") for step in STAGES]
    assert set(Counter(record.begun()).values()) == {1}


def test_wait_all_begins_when_everything_before_it_is_over(
    airflow: Embedded, start: Start, record: Record, tmp_path: Path
) -> None:
    """The last to search grows more to search, while the others have long been done."""
    gate = tmp_path / "gate"
    late = node("late", search="wait_and_grow", file=str(gate), children=[node(f"c{number}") for number in range(3)])
    others = [*map(node, "abcd"), node("failing", search="fail"), node("again", search="fail_first")]
    run_id = start("barrier", late, *others)
    until(lambda: len(record.ended(step="search")) == len(others) - 1, what="the others' searches")
    gate.touch()
    run = Staged(airflow, "barrier", run_id)
    order = [(line["step"], "begins" in line) for line in record.lines]
    assert [step for step, _ in order] == sorted((step for step, _ in order), key=["search", "write"].index)
    assert len(record.begun(step="write")) == len(others) + 3
    assert (run.result["state"], run.result["subtasks"], run.result["failed"]) == ("partial", 10, 1)
    assert run.result["steps"]["write"]["succeeded"] == 9


def test_nothing_to_do_and_nothing_done(airflow: Embedded, start: Start) -> None:
    empty = Staged(airflow, "stages", start("stages"))
    assert (empty.run["state"], empty.result["state"]) == ("success", "nothing to do")
    failed = Staged(airflow, "stages", start("stages", node("a", search="fail"), node("b", search="fail")))
    assert (failed.run["state"], failed.result["failed"], failed.result["subtasks"]) == ("failed", 2, 2)
    assert failed.result["steps"]["write"]["subtasks"] == 0


def test_a_stop_holds_for_all_steps_and_clearing_the_failed_lets_them_go_on(
    airflow: Embedded, start: Start, record: Record
) -> None:
    """One at a time; a step's own retries: ``write`` has one attempt, so what fails at first is final there."""
    nodes = [node("n0", search="fail_first", write="fail_first"), *[node(f"n{number}") for number in range(1, 7)]]
    run = Staged(airflow, "strict", start("strict", *nodes))
    assert (run.run["state"], run.result["state"], run.result["failed"]) == ("failed", "failed", 1)
    counts = [run.result[name] for name in ("succeeded", "failed", "skipped")]
    assert (sum(counts), run.result["subtasks"]) == (7, 7)
    assert run.result["skipped"] >= 1
    airflow.api.clear(*run.names, only_failed=True)
    run = Staged(airflow, *run.names)
    assert (run.run["state"], run.result["state"], run.result["succeeded"]) == ("success", "complete", 7)
    assert run.reached() == {f"n{number}": STAGES for number in range(7)}
    calls = Counter(record.begun())
    assert {name for name, times in calls.items() if times > 1} == {("n0", "search"), ("n0", "write")}


def test_a_subtask_cleared_goes_through_the_later_steps_again_alone(
    airflow: Embedded, start: Start, record: Record
) -> None:
    run = Staged(airflow, "stages", start("stages", *map(node, "abc")))
    index = next(row["map_index"] for row in run.rows("write") if row["rendered_map_index"] == "b")
    airflow.api.clear(*run.names, [["write", index]], include_downstream=True)
    run = Staged(airflow, *run.names)
    assert Counter(record.begun()) == {
        **{(name, step): 1 for name in "abc" for step in STAGES},
        ("b", "write"): 2,
        ("b", "review"): 2,
    }
    assert run.outcomes["b", "review"]["result"]["sees"] == {"search": 1, "write": 2}
    assert (run.result["state"], run.result["succeeded"]) == ("complete", 3)


def test_a_subtask_cleared_while_its_next_step_works_is_not_reviewed_with_the_old_result(
    airflow: Embedded, start: Start, record: Record, tmp_path: Path
) -> None:
    """Airflow ends the runner of ``write``, which never ends by itself, and tries it again."""
    go = tmp_path / "go"
    run_id = start("stages", node("a", write="wait_once", file=str(go)))
    until(lambda: record.begun(step="write"), what="the old result is worked on")
    airflow.api.clear("stages", run_id, [["search", 0]])
    run = Staged(airflow, "stages", run_id)
    assert run.outcomes["a", "write"]["result"]["sees"] == {"search": 2}
    assert run.outcomes["a", "review"]["result"]["sees"] == {"search": 2, "write": 2}
    assert run.result["state"] == "complete"


def test_a_whole_run_cleared_goes_through_all_steps_again_once(airflow: Embedded, start: Start, record: Record) -> None:
    run = Staged(airflow, "stages", start("stages", node("a", write="grow", children=[node("x")]), node("b")))
    airflow.api.clear(*run.names)
    run = Staged(airflow, *run.names)
    assert Counter(record.begun()) == dict.fromkeys(run.outcomes, 2)
    assert run.reached() == {"a": STAGES, "b": STAGES, "x": ["write", "review"]}


def test_a_payload_may_not_have_the_field_of_a_result(airflow: Embedded, start: Start) -> None:
    run = Staged(airflow, "stages", start("stages", node("a", write="grow", children=[{"node": "x", "search": 1}])))
    assert run.outcomes["a", "write"]["error"].endswith("InvalidPayload")


def test_cancel_in_the_middle(airflow: Embedded, start: Start, record: Record, tmp_path: Path) -> None:
    """Two at work in the first and second step; when the next run has the slot, nothing of this one moves any more."""
    gate = str(tmp_path / "never")
    waiting = [node("s", search="wait", file=gate), node("w", write="wait", file=gate)]
    run_id = start("stages", *waiting, *[node(f"n{number}", write="wait", file=gate) for number in range(10)])
    until(lambda: ("w", "write") in record.begun() and ("s", "search") in record.begun(), what="both at work")
    airflow.api.cancel("stages", run_id)
    after = Staged(airflow, "stages", start("stages", node("after")))
    assert after.result["state"] == "complete"
    names = [line["node"] for line in record.lines]
    assert set(names[names.index("after") :]) == {"after"}
    assert {step for name, step in record.begun() if name != "after"} == {"search", "write"}
    assert not {("w", "write"), ("s", "search")} & set(record.ended())
    states = {row["state"] for row in airflow.api.task_instances("stages", run_id)}
    assert states <= {"success", "failed", "skipped", "upstream_failed"}
