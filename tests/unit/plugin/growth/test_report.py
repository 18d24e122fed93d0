"""The report's task against the real backend: what it leaves when its work fails, and when it is tried again."""

import json
from types import SimpleNamespace

import pytest
from airflow.models.dagrun import DagRunNote
from airflow.sdk.exceptions import AirflowFailException
from sqlalchemy import delete, select, update

from airflow_mcp_provider.errors import HardTimeout, InvalidPayload, SoftTimeout, SubtaskError
from airflow_mcp_provider.factory import build_dag
from airflow_mcp_provider.plugin.db.tables import Store
from airflow_mcp_provider.runtime import store_keys
from airflow_mcp_provider.spec import parse_job
from tests.unit.plugin.played import Played

SPEC = "plan: {items: [1]}\nrun: {shell: x}\n"

LARGE = """printf '"'; head -c 1050000 /dev/zero | tr '\\0' x; echo '"'"""


class Reported(Played):
    """A job of two subtasks."""

    SPEC = SPEC


@pytest.fixture
def reported(session, job):
    run = Reported(session, job)
    run.planned(["a", "b"])
    for index in (0, 1):
        run.instance("run", index)
        run.set("run", index, store_keys.OUTCOME, {"attempt": 1, "result": index})
        run.succeed("run", index)
    run.succeed("plan", -1)
    run.instance("report", -1)
    return run


class Line:
    """Airflow's accessor of the report's state store, and what it pushes as XCom."""

    def __init__(self, run, try_number=1):
        self.run = run
        self.pushed = {}
        self.try_number = try_number

    def get(self, key, default=None):
        found = self.run.get("report", -1, key)
        return default if found is None else json.loads(found)

    def set(self, key, value):
        self.run.set("report", -1, key, value)

    def xcom_push(self, key, value):
        self.pushed[key] = value


def report(run, work, *, try_number=1, more=""):
    """Do the report's task; returns what it returns or raises, and what it pushes."""
    dag = build_dag(parse_job(f"{SPEC}report: {{shell: {json.dumps(work)}}}\n{more}", id="crawl"))
    line = Line(run, try_number)
    context = {"task_state_store": line, "ti": line, "dag": SimpleNamespace(params={}), "params": {}}
    try:
        return dag.get_task("report").execute(context), line.pushed
    except Exception as error:  # noqa: BLE001 - the test looks at it
        return error, line.pushed


def note(run):
    return run.session.scalar(select(DagRunNote.content).where(DagRunNote.dag_run_id == run.run.id))


@pytest.mark.parametrize(
    ("work", "more", "kind", "reason"),
    [
        ("echo no such table >&2; exit 3", "", SubtaskError, "CommandFailed: the process ended with exit code 3"),
        ("kill -9 $$", "", SubtaskError, "killed by SIGKILL"),
        ("sleep 600", "timeouts: {hard: 1s}", HardTimeout, "timeouts.hard (1 s) passed"),
        ("sleep 600", "timeouts: {soft: 1s, hard: 5m}", SoftTimeout, "timeouts.soft (1 s) passed"),
        (LARGE, "", Exception, "airflow_mcp_provider.errors.InvalidPayload"),
    ],
)
def test_a_report_that_fails_leaves_note_and_counts(reported, work, more, kind, reason):
    error, pushed = report(reported, work, more=more)
    assert isinstance(error, kind)
    assert not isinstance(error, AirflowFailException), "its retries decide"
    result = pushed["result"]
    assert (result["state"], result["subtasks"], result["succeeded"], result["failed"]) == ("failed", 2, 2, 0)
    assert result["result"] is None
    assert reason in f"{result['error']['type']}: {result['error']['message']}"
    assert note(reported).startswith("failed: the report failed:")
    assert "2 of 2 subtasks succeeded" in note(reported)


def test_a_report_that_works_after_it_failed_leaves_no_note(reported):
    report(reported, "exit 3")
    result, pushed = report(reported, "echo 5", try_number=2)
    assert (result["state"], result["result"], pushed, note(reported)) == ("complete", 5, {}, None)


def test_a_report_that_cannot_count_says_why(reported):
    row = (Store.task_id == "plan", Store.key == store_keys.RUN)
    reported.session.execute(update(Store).where(*row).values(value="[1]"))
    error, _ = report(reported, "echo 5")
    assert isinstance(error, Exception)
    assert "mcp.run" in note(reported)
    assert note(reported).startswith("failed: the report failed:")


def test_a_note_of_a_person_stays(reported):
    reported.run.note = "mine"
    reported.session.flush()
    report(reported, "exit 3")
    report(reported, "echo 5", try_number=2)
    assert note(reported) == "mine"


def test_a_report_that_is_given_less_fails_the_run_for_good(reported):
    lost = (Store.task_id == "run", Store.map_index == 0, Store.key == store_keys.OUTCOME)
    reported.session.execute(delete(Store).where(*lost))
    error, pushed = report(reported, 'grep -c success "$MCP_SUBTASK_OUTCOMES"')
    assert isinstance(error, AirflowFailException)
    assert (pushed["result"]["failed"], pushed["result"]["result"]) == (1, 1)
    result, _ = report(reported, "echo 1", more="subtasks: {tolerate: 1}")
    assert (result["state"], result["succeeded"]) == ("partial", 1)


@pytest.mark.parametrize("task", ["plan", "report"])
def test_what_is_hopeless_is_not_tried_again(task):
    one = build_dag(parse_job(f"{SPEC}report: {{shell: x}}", id="crawl")).get_task(task)
    names = ("InvalidPayload", "EnqueueRefused")
    told = SubtaskError("x", kinds=tuple(f"airflow_mcp_provider.errors.{name}" for name in names))
    actions = [one.retry_policy.evaluate(error, 1, 3).action.name for error in (told, InvalidPayload("x"))]
    assert (actions, one.retries) == (["FAIL", "FAIL"], 3)
    assert one.retry_policy.evaluate(SubtaskError("x", kinds=("ValueError",)), 1, 3).action.name == "DEFAULT"
