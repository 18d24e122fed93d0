"""One runner, several subtasks: each with its own result, error, tries and limits."""

from collections import Counter
from pathlib import Path

import psutil

from airflow_mcp_provider.embedded.airflow import Embedded
from tests.integration.batch.conftest import Start
from tests.integration.growth.conftest import patient_seconds
from tests.integration.growth.forest import record as notes
from tests.integration.growth.runs import Ended, does
from tests.integration.growth.waiting import until


def _begun(record: Path) -> list[str]:
    return [line["node"] for line in notes.seen(record, begins=True)]


def test_each_subtask_ends_in_its_own_way(airflow: Embedded, start: Start, record: Path) -> None:
    """The runner survives what its subtasks come to; limits and tries are each subtask's own."""
    ends = {
        "fine": (does("give", "fine", result=1), ("success", 1, None)),
        "gone": (does("fail", "gone"), ("failed", 1, "deeds.Gone")),
        "twice": (does("fail_first", "twice", times=1), ("success", 2, None)),
        "soft": (does("overtime_softly", "soft"), ("success", 1, None)),
        "rude": (does("overtime_deaf", "rude"), ("failed", 2, "airflow_mcp_provider.errors.HardTimeout")),
        "killed": (does("kill_itself", "killed"), ("failed", 2, "WorkDied")),
        "last": (does("give", "last", result=2), ("success", 1, None)),
    }
    run = Ended(airflow, "packed", start("packed", *(payload for payload, _ in ends.values())))
    told = {
        key: (one["status"], one["attempts"], one["error"] and one["error"]["type"])
        for key, one in run.outcomes.items()
    }
    assert told == {key: end for key, (_, end) in ends.items()}
    assert Counter(_begun(record)) == {key: attempts for key, (_, (_, attempts, _)) in ends.items()}
    assert [run.outcomes[key]["result"] for key in ("fine", "twice", "soft", "last")] == [1, 2, "cleaned up", 2]
    counts = {name: run.result[name] for name in ("state", "subtasks", "succeeded", "failed", "skipped")}
    assert counts == {"state": "partial", "subtasks": 7, "succeeded": 4, "failed": 3, "skipped": 0}
    assert sorted(failure["key"] for failure in run.result["failures"]) == ["gone", "killed", "rude"]
    # Five in the first runner, two in the second; red where one has failed, after one try of Airflow's.
    shown = [(row["state"], row["try_number"], row["rendered_map_index"]) for row in run.rows()]
    assert shown == [("failed", 1, "fine +4"), ("failed", 1, "killed +1")]


def test_neighbours_go_on_while_one_rests(airflow: Embedded, start: Start, record: Path) -> None:
    """Its wait is longer than a runner stays: Airflow starts it again, and counts no try."""
    run = Ended(
        airflow,
        "packed-patient",
        start("packed-patient", does("fail_first", "a", times=1), does("give", "b"), does("give", "c")),
    )
    assert _begun(record) == ["a", "b", "c", "a"]
    first, last = (line["at"] for line in notes.seen(record, node="a", begins=True))
    assert last - first >= patient_seconds(7)
    assert [(row["state"], row["try_number"]) for row in run.rows()] == [("success", 1)]


def test_children_join_the_runner_that_is_there_and_then_the_next(
    airflow: Embedded, start: Start, record: Path
) -> None:
    """Four places are free beside the parent; the fifth child and the others need a further runner."""
    run = Ended(airflow, "packed", start("packed", does("grow_many", "p", count=8)))
    assert Counter(_begun(record)) == {"p": 1, **{f"p.{i}": 1 for i in range(8)}}
    assert {one["parent"] for key, one in run.outcomes.items() if key != "p"} == {"p"}
    assert [row["rendered_map_index"] for row in run.rows()] == ["p +4", "p.4 +3"]
    assert (run.result["subtasks"], run.result["succeeded"]) == (9, 9)


def test_a_runner_that_has_ended_takes_no_further_subtask(
    airflow: Embedded, start: Start, record: Path, tmp_path: Path
) -> None:
    """Six subtasks: the second runner has one of five places, and has ended when the first enqueues."""
    go, end = tmp_path / "go", tmp_path / "end"
    end.touch()
    children = [does("give", "late-1"), does("give", "late-2")]
    waits = does("grow_when_told", "waits", go=str(go), end=str(end), children=children)
    run_id = start("packed-patient", waits, *(does("give", f"g{i}") for i in range(10)))
    until(lambda: _states(airflow, "packed-patient", run_id)[1:] == ["success"], what="the end of the second runner")
    go.touch()
    run = Ended(airflow, "packed-patient", run_id)
    assert [row["rendered_map_index"] for row in run.rows()] == ["waits +9", "g9", "late-1 +1"]
    assert (run.result["subtasks"], run.result["succeeded"], run.result["skipped"]) == (13, 13, 0)
    assert set(Counter(_begun(record)).values()) == {1}


def _states(airflow: Embedded, job: str, run_id: str) -> list[str]:
    return [row["state"] for row in airflow.api.task_instances(job, run_id) if row["task_id"] == "run"]


def test_cancel_ends_the_work_and_begins_nothing_more(
    airflow: Embedded, start: Start, record: Path, tmp_path: Path
) -> None:
    never = str(tmp_path / "never")
    run_id = start("packed-strict", does("give", "a"), does("wait_for", "b", file=never), does("give", "c"))
    until(lambda: "b" in _begun(record), what="the second subtask")
    work = psutil.Process(notes.seen(record, node="b")[0]["pid"])
    runner = work.parent()
    airflow.api.cancel("packed-strict", run_id)
    until(lambda: not work.is_running() and not runner.is_running(), what="the end of the work and of its runner")
    assert _states(airflow, "packed-strict", run_id) == ["failed"]
    assert _begun(record) == ["a", "b"]
    turns = airflow.api.state_store("packed-strict", run_id, "run", 0)["mcp.batch"]["turns"]
    assert [turn["status"] for turn in turns.values()] == ["success", "taken"]


def test_a_run_that_is_stopped_and_goes_on_when_it_is_cleared(airflow: Embedded, start: Start, record: Path) -> None:
    """Two failures are borne, the third stops the run in the middle of a batch; cleared, all that is left is done."""
    subtasks = [does("give", "a"), *(does("fail_first", f"f{i}", times=1) for i in range(4)), does("give", "z")]
    run = Ended(airflow, "packed-strict", start("packed-strict", *subtasks))
    assert (run.run["state"], run.states()) == ("failed", ["skipped", "skipped"])
    told = Counter(one["status"] for one in run.outcomes.values())
    assert told == {"success": 1, "failed": 3, "skipped": 2}
    assert [run.result[name] for name in ("succeeded", "failed", "skipped")] == [1, 3, 2]
    airflow.api.clear(*run.names, only_failed=True)
    run = Ended(airflow, *run.names)
    assert (run.run["state"], run.result["state"], run.result["failed"]) == ("success", "partial", 1)
    assert Counter(_begun(record)) == {"a": 1, "f0": 2, "f1": 2, "f2": 2, "f3": 1, "z": 1}
    assert run.outcomes["f0"]["attempts"] == 2


def test_a_runner_begins_nothing_more_once_another_has_stopped_the_run(
    airflow: Embedded, start: Start, record: Path, tmp_path: Path
) -> None:
    """It was told what comes next, and the server refuses that."""
    go = tmp_path / "go"
    first = [does("wait_for", "waits", file=str(go)), does("give", "a"), does("give", "b")]
    run_id = start("packed-pair", *first, *(does("fail_first", f"f{i}", times=1) for i in range(3)))
    until(lambda: _states(airflow, "packed-pair", run_id)[1:] == ["skipped"], what="the end of the second runner")
    go.touch()
    run = Ended(airflow, "packed-pair", run_id)
    assert (run.run["state"], run.states()) == ("failed", ["skipped", "skipped"])
    assert [run.result[name] for name in ("succeeded", "failed", "skipped")] == [1, 3, 2]
    assert run.outcomes["waits"]["status"] == "success", "what it had in hand counts"
    assert "a" not in _begun(record)


def test_clearing_repeats_what_did_not_end_well_or_all(airflow: Embedded, start: Start, record: Path) -> None:
    subtasks = [does("give", "a"), does("fail_first", "b", times=1), does("give", "c")]
    run = Ended(airflow, "packed-strict", start("packed-strict", *subtasks))
    assert (run.states(), run.result["state"]) == (["failed"], "partial")
    airflow.api.clear(*run.names, [["run", 0], "report"])
    run = Ended(airflow, *run.names)
    assert (run.states(), run.result["state"]) == (["success"], "complete")
    assert Counter(_begun(record)) == {"a": 1, "b": 2, "c": 1}
    airflow.api.clear(*run.names, [["run", 0], "report"])
    run = Ended(airflow, *run.names)
    assert (run.states(), run.result["state"]) == (["success"], "complete")
    assert Counter(_begun(record)) == {"a": 2, "b": 3, "c": 2}
    airflow.api.clear(*run.names)
    run = Ended(airflow, *run.names)
    assert (run.result["state"], run.result["subtasks"]) == ("complete", 3)
    assert Counter(_begun(record)) == {"a": 3, "b": 4, "c": 3}
