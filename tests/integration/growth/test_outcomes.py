"""How subtasks end, and what the run's report makes of it."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import psutil
import pytest

from airflow_mcp_provider.client.airflow_rest import Json
from airflow_mcp_provider.embedded.airflow import Embedded
from tests.integration.growth.conftest import patient_seconds
from tests.integration.growth.forest import record as notes
from tests.integration.growth.runs import Ended, does, trigger

Run = Callable[[str], Ended]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("record") / "record.jsonl"


@pytest.fixture(scope="module")
def started(airflow: Embedded, path: Path) -> dict[str, str]:
    """Every run of this module, begun at once: each test waits for its own."""
    fails = [does("fail", f"f{i}") for i in range(4)]
    subtasks = {
        "deeds": [
            does("grow", "parent", children=[does("give", "child", result={"a": ["\u00fc", 1.5, None]})]),
            does("fail", message="no such page"),
            does("fail_first", times=1),
            *map(does, ["kill_itself", "segfault", "leave", "exit_politely", "too_large", "exactly_large", "no_json"]),
            *map(does, ["bad_text", "leave_quietly", "close_streams"]),
        ],
        "deeds-timed": [does("overtime_softly"), does("overtime_rudely"), does("give")],
        "deeds-hard": [does("overtime_in_c"), does("overtime_deaf"), does("overtime_with_family")],
        "deeds-strict": [*fails, does("give", "g1"), does("give", "g2"), does("give", "g3")],
        "deeds-percent": [*[does("give", f"g{i}") for i in range(10)], does("fail")],
        "deeds-percent-strict": [*fails, *[does("give", f"g{i}") for i in range(20)]],
        "deeds-only": [does("fail"), does("fail_first", "only", times=1)],
        "deeds-default": [],
        **{
            f"deeds-{name}": [does("give")]
            for name in ("async", "signature", "module", "function", "no-plan", "wrong-plan")
        },
    }
    return {job: trigger(airflow, job, path, listed) for job, listed in subtasks.items()}


@pytest.fixture
def ended(airflow: Embedded, started: dict[str, str]) -> Run:
    return lambda job: Ended(airflow, job, started[job])


def test_every_field_of_an_outcome(ended: Run) -> None:
    outcomes = ended("deeds").outcomes
    child, parent = outcomes["child"], outcomes["parent"]
    assert child["payload"] == does("give", "child", result={"a": ["\u00fc", 1.5, None]})
    assert (child["parent"], child["depth"], child["status"], child["attempts"]) == ("parent", 1, "success", 1)
    assert (parent["parent"], parent["depth"], parent["result"]) == (None, 0, [True])
    assert (child["result"], child["error"]) == ({"a": ["\u00fc", 1.5, None]}, None)
    started, ended_at = (datetime.fromisoformat(child[name]) for name in ("started", "ended"))
    assert datetime.fromisoformat(parent["started"]) < started < ended_at


def test_an_exception_travels_with_class_message_and_traceback(ended: Run) -> None:
    failed = ended("deeds").outcomes["fail"]
    assert (failed["status"], failed["result"]) == ("failed", None)
    assert (failed["error"]["type"], failed["error"]["message"]) == ("deeds.Gone", "no such page")
    assert failed["error"]["trace"].startswith("Traceback")
    assert "in fail\n" in failed["error"]["trace"]


@pytest.mark.parametrize(
    ("node", "kind", "message"),
    [
        ("kill_itself", "WorkDied", "killed by SIGKILL (out of memory?)"),
        ("segfault", "WorkDied", "killed by SIGSEGV"),
        ("leave", "WorkDied", "ended with exit code 3"),
        ("leave_quietly", "WorkDied", "exit code 0 before the function returned"),
        ("exit_politely", "SystemExit", "enough"),
        (
            "too_large",
            "airflow_mcp_provider.errors.InvalidPayload",
            "the result has 70002 bytes; expected at most 65535",
        ),
        ("no_json", "airflow_mcp_provider.errors.InvalidPayload", "the result is not plain JSON"),
        ("bad_text", "ValueError", "\u00fc\U0001f300"),
    ],
)
def test_a_death_is_an_error_that_says_how(ended: Run, node: str, kind: str, message: str) -> None:
    outcome = ended("deeds").outcomes[node]
    assert (outcome["status"], outcome["error"]["type"]) == ("failed", kind)
    assert message in outcome["error"]["message"]
    assert outcome["attempts"] == (1 if kind.endswith("InvalidPayload") else 2)


def test_a_result_of_the_largest_size(ended: Run) -> None:
    assert len(ended("deeds").outcomes["exactly_large"]["result"].encode()) == 65_532


def test_work_without_streams_and_with_a_fork_ends_one_attempt_once(ended: Run, path: Path) -> None:
    outcome = ended("deeds").outcomes["close_streams"]
    assert (outcome["status"], outcome["attempts"], outcome["result"]) == ("success", 1, 0)
    assert len(notes.seen(path, node="close_streams", begins=True)) == 1


def test_the_run_is_partial_and_says_so(ended: Run) -> None:
    run = ended("deeds")
    assert run.run["state"] == "success"
    assert run.run["note"].startswith("partial: 5 of 14 subtasks succeeded, 9 failed (tolerated: 100%)")
    counts = {name: run.result[name] for name in ("state", "subtasks", "succeeded", "failed", "skipped")}
    assert counts == {"state": "partial", "subtasks": 14, "succeeded": 5, "failed": 9, "skipped": 0}
    assert {one["key"] for one in run.result["failures"]} == {
        k for k, o in run.outcomes.items() if o["status"] == "failed"
    }


def test_retries_follow_the_exception(ended: Run) -> None:
    outcomes = ended("deeds").outcomes
    assert (outcomes["fail_first"]["attempts"], outcomes["fail_first"]["result"]) == (2, 2)
    assert outcomes["fail"]["attempts"] == 1  # never_on
    only = ended("deeds-only").outcomes
    assert (only["only"]["attempts"], only["fail"]["attempts"]) == (2, 1)


def test_a_soft_timeout_lets_the_work_clean_up(ended: Run, path: Path) -> None:
    outcomes = ended("deeds-timed").outcomes
    assert (outcomes["overtime_softly"]["status"], outcomes["overtime_softly"]["result"]) == ("success", "cleaned up")
    assert notes.seen(path, node="overtime_softly", cleaned=True)
    assert outcomes["overtime_rudely"]["error"]["type"] == "airflow_mcp_provider.errors.SoftTimeout"
    assert outcomes["give"]["status"] == "success"


@pytest.mark.parametrize(
    ("node", "processes"), [("overtime_in_c", 1), ("overtime_deaf", 1), ("overtime_with_family", 3)]
)
def test_a_hard_timeout_leaves_nobody_alive(ended: Run, path: Path, node: str, processes: int) -> None:
    outcome = ended("deeds-hard").outcomes[node]
    assert outcome["error"]["type"] == "airflow_mcp_provider.errors.HardTimeout"
    assert outcome["error"]["message"].startswith(f"timeouts.hard ({patient_seconds(8)} s) passed")
    noted = [line for line in notes.seen(path, node=node) if "alive" in line]
    assert len(noted) == processes
    assert not [line["alive"] for line in noted if _alive(line)]


def _alive(noted: Json) -> bool:
    """Whether the process lives that was noted; one that began later has only the same number."""
    try:
        process = psutil.Process(noted["alive"])
        return process.create_time() <= noted["at"] and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_too_many_failures_stop_the_run(ended: Run) -> None:
    """Two are tolerated, one runs at a time: the third ends it, what has not started does not."""
    run = ended("deeds-strict")
    assert run.run["state"] == "failed"
    states = run.states()
    assert states.count("failed") == 3
    assert states.count("skipped") >= 1
    assert run.result["state"] == "failed"
    assert run.result["skipped"] == states.count("skipped")
    assert "3 failed (tolerated: 2)" in run.run["note"]
    assert "were not started" in run.run["note"]
    assert "f0: it is gone" in run.run["note"] or "f1: it is gone" in run.run["note"]


def test_a_percentage_is_of_all_subtasks(ended: Run) -> None:
    """One of eleven is less than 10 %: the run goes on to its end, and is partial."""
    run = ended("deeds-percent")
    assert (run.run["state"], run.result["state"], run.result["succeeded"]) == ("success", "partial", 10)


def test_beyond_a_percentage_no_further_subtask_starts(ended: Run) -> None:
    """Two run at a time; the third of 24 is more than 10 %."""
    run = ended("deeds-percent-strict")
    assert (run.run["state"], run.result["state"]) == ("failed", "failed")
    states = run.states()
    assert 3 <= states.count("failed") <= 4
    assert states.count("skipped") >= 10


def test_an_empty_plan_has_nothing_to_do(ended: Run) -> None:
    run = ended("deeds-default")
    assert (run.run["state"], run.result["state"], run.run["note"]) == (
        "success",
        "nothing to do",
        "nothing to do: plan found no subtasks",
    )


@pytest.mark.parametrize(
    ("job", "said", "tries"),
    [
        ("deeds-no-plan", "LookupError: nothing to plan", 4),
        ("deeds-wrong-plan", "expected a list or generator of payloads", 1),
    ],
)
def test_a_plan_that_fails_fails_the_run(ended: Run, job: str, said: str, tries: int) -> None:
    run = ended(job)
    assert (run.run["state"], run.result["state"]) == ("failed", "failed")
    assert run.run["note"].startswith("failed: plan ended as failed")
    assert said in run.api.log(*run.names, "plan")
    assert run.rows("plan")[0]["try_number"] == tries


def test_an_async_function_is_awaited(ended: Run) -> None:
    assert ended("deeds-async").outcomes["give"]["result"] == {"awaited": "give"}


@pytest.mark.parametrize(
    ("job", "message"),
    [
        (
            "deeds-signature",
            "deeds:one_too_many(subtask, params, more) cannot be called with (subtask, params): missing argument more",
        ),
        ("deeds-module", "missing_module.part:do: no module named 'missing_module'"),
        ("deeds-function", "deeds:missing: deeds ("),
    ],
)
def test_a_function_that_cannot_be_called_is_told_once(ended: Run, job: str, message: str) -> None:
    outcome = ended(job).outcomes["give"]
    assert outcome["error"]["type"] == "airflow_mcp_provider.errors.SpecError"
    assert outcome["error"]["message"].startswith(message)
    assert outcome["attempts"] == 1
