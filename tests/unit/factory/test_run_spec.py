"""A runner builds its tasks from the spec of its run, whatever the file is by then."""

from __future__ import annotations

import inspect
from types import SimpleNamespace
from uuid import uuid4

import pytest
from airflow.sdk.definitions.context import _AIRFLOW_PARSING_CONTEXT_DAG_ID as DAG_ID
from airflow.sdk.definitions.context import _AIRFLOW_PARSING_CONTEXT_TASK_ID as TASK_ID
from airflow.sdk.execution_time import task_runner
from airflow.sdk.execution_time.comms import GetTaskStateStore, StartupDetails, TaskStateStoreResult
from airflow.sdk.execution_time.context import TaskStateStoreAccessor

from airflow_mcp_provider.factory import airflow_internals, load_dags
from airflow_mcp_provider.spec import load_job, version

FIRST, SECOND = (
    "plan: {items: [a]}\nrun: {shell: 'first'}\n",
    "plan: {items: [a]}\nsteps: [{name: s, run: {shell: x}}]\n",
)


class Server:
    """The other side of a runner's line: it has the text of a spec."""

    def __init__(self, text):
        self.text = text
        self.asked = []

    def send(self, request):
        self.asked.append(request)
        return TaskStateStoreResult(value=self.text) if self.text else None


class Runner:
    """What is on the stack when Airflow's task runner parses a DAG file."""

    def __init__(self, monkeypatch):
        self._patch = monkeypatch
        self.instance = uuid4()

    def load(self, folder, job, task, bundle_version, text):
        server = Server(text)
        self._patch.setattr(task_runner, "SUPERVISOR_COMMS", server, raising=False)
        names = {"__name__": airflow_internals.RUNNER}
        exec("def parse(what, call):\n    return call()", names)  # noqa: S102 - a frame as that of Airflow
        what = SimpleNamespace(
            ti=SimpleNamespace(id=self.instance), bundle_info=SimpleNamespace(version=bundle_version)
        )
        self._patch.setenv(DAG_ID, job)
        self._patch.setenv(TASK_ID, task)
        return names["parse"](what, lambda: load_dags(folder)), server.asked


@pytest.fixture
def runner(monkeypatch):
    return Runner(monkeypatch)


@pytest.fixture
def jobs(tmp_path):
    (tmp_path / "one.yaml").write_text(FIRST)
    (tmp_path / "two.yaml").write_text(FIRST)
    return tmp_path


@pytest.fixture
def text(jobs):
    return version.text(load_job(jobs / "one.yaml"))


def work(dags):
    return dags["one"].task_dict["run"].partial_kwargs["work"]["shell"]


def test_a_runner_whose_file_has_the_spec_of_its_run_asks_nothing(runner, jobs, text):
    dags, asked = runner.load(jobs, "one", "run", version.name(text), text)
    assert (sorted(dags), work(dags), asked) == (["one"], "first", [])


@pytest.mark.parametrize("bundle", [None, "3c1b6c7ab4"])
def test_nor_does_one_whose_run_has_no_version_of_ours(runner, jobs, text, bundle):
    (jobs / "one.yaml").write_text(FIRST.replace("first", "second"))
    dags, asked = runner.load(jobs, "one", "run", bundle, text)
    assert (work(dags), asked) == ("second", [])


@pytest.mark.parametrize("now", [FIRST.replace("first", "second"), SECOND, "plan: {ite", "", None])
def test_one_whose_file_was_edited_broken_or_removed_asks_once(runner, jobs, text, now):
    if now is None:
        (jobs / "one.yaml").rename(jobs / "other.yaml")
    else:
        (jobs / "one.yaml").write_text(now)
    dags, asked = runner.load(jobs, "one", "run", version.name(text), text)
    assert work(dags) == "first"
    assert asked == [GetTaskStateStore(ti_id=runner.instance, key="mcp.spec")]


def test_a_run_without_a_version_asks_where_its_task_is_gone(runner, jobs, text):
    (jobs / "one.yaml").write_text(SECOND)
    dags, asked = runner.load(jobs, "one", "run", None, text)
    assert (work(dags), len(asked)) == ("first", 1)


def test_without_an_answer_all_is_as_the_files_have_it(runner, jobs):
    (jobs / "one.yaml").unlink()
    dags, asked = runner.load(jobs, "one", "run", "mcp-1", None)
    assert (sorted(dags), len(asked)) == (["two"], 1)


def test_what_airflow_has_on_the_stack():
    """``parse`` is a function of that module, has the startup message in ``what``, and is called in its context."""
    parse = inspect.unwrap(task_runner.parse)
    assert (parse.__module__, parse.__name__) == (airflow_internals.RUNNER, airflow_internals.PARSE)
    assert airflow_internals.DETAILS in parse.__code__.co_varnames
    assert {"ti", "bundle_info"} <= StartupDetails.model_fields.keys()
    assert "_airflow_parsing_context_manager(dag_id=msg.ti.dag_id" in inspect.getsource(
        inspect.unwrap(task_runner.startup)
    )
    assert list(inspect.signature(TaskStateStoreAccessor.__init__).parameters) == ["self", "ti_id", "scope"]
    assert "self._scope" not in inspect.getsource(TaskStateStoreAccessor.get)
