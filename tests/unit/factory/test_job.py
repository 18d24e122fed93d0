"""``@job``: the function is the work, its DAG is found by Airflow, and the work imports it by its reference."""

import inspect
import sys
import textwrap

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk.definitions.context import Context  # noqa: F401 - the SDK must be whole before DAGs are built

from airflow_mcp_provider.errors import SpecError
from airflow_mcp_provider.factory import build_dag
from airflow_mcp_provider.factory.job import Job, reference
from airflow_mcp_provider.runtime.reference import resolve
from airflow_mcp_provider.spec import PythonWork

FILE = '''
from airflow_mcp_provider.dag import Retries, Schedule, Subtasks, job


def find(params):
    return range(params["count"])


def total(outcomes):
    return sum(one.result for one in outcomes)


@job(
    plan=find,
    report=total,
    params={"count": {"type": "integer", "default": 3}},
    subtasks=Subtasks(parallelism=2),
    retries=Retries(attempts=2, delay="5s"),
    schedule=Schedule(cron="@daily"),
)
def double(item: int) -> int:
    """Double a number."""
    return item * 2
'''


@pytest.fixture
def dag_file(tmp_path, monkeypatch):
    """Write a DAG file into a DAG folder that is on the path, as Airflow has it."""
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])

    def made(text: str = FILE, name: str = "doubling.py"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
        return path

    yield made
    for name in ("doubling", "team.doubling", "team"):
        sys.modules.pop(name, None)


def bag(path):
    return DagBag(dag_folder=path, bundle_path=path.parent, bundle_name="b")


@pytest.mark.parametrize(("name", "module"), [("doubling.py", "doubling"), ("team/doubling.py", "team.doubling")])
def test_the_dag_is_found_and_the_work_imports_the_function(dag_file, name, module):
    found = bag(dag_file(name=name))
    assert found.import_errors == {}
    dag = found.dags["double"]
    assert [task.task_id for task in dag.tasks] == ["plan", "run", "report"]
    assert dag.description == "Double a number."
    assert dag.get_task("plan").work == {"python": f"{module}:find"}
    work = dag.get_task("run").partial_kwargs["work"]
    assert work == {"python": f"{module}:double"}
    function = resolve(work["python"])
    assert isinstance(function, Job)
    assert function(4) == 8
    assert list(inspect.signature(function).parameters) == ["item"]


def test_it_is_the_dag_of_the_same_spec(dag_file):
    bag(dag_file())
    function = resolve("doubling:double")
    assert function.spec.schedule.cron == ("@daily",)
    assert {**build_dag(function.spec).__dict__, "_task_group": 0}.keys() == {
        **function.dag.__dict__,
        "_task_group": 0,
    }.keys()
    assert function.spec.plan == PythonWork(python="doubling:find")


def test_the_process_of_the_work_builds_no_dag(dag_file, monkeypatch):
    dag_file()
    monkeypatch.setenv("MCP_SOCKET", "/x")
    function = resolve("doubling:double")
    assert "dag" not in vars(function)
    assert function.dag.dag_id == "double"


def test_items_and_other_work_and_another_id(dag_file):
    text = '''
    from airflow_mcp_provider.dag import ShellWork, job

    @job(plan=["a", "b"], report=ShellWork(shell="cat"), id="other", description="Given.")
    def visit(subtask):
        """Not this."""
    '''
    dag = bag(dag_file(text)).dags["other"]
    assert dag.get_task("plan").work == {"items": ["a", "b"]}
    assert dag.get_task("report").work == {"shell": "cat"}
    assert dag.description == "Given."


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("job(plan=[1])(lambda subtask: 1)", "invalid function <lambda>; expected one at the top of a module"),
        ("job(plan=[1], retries=5)(visit)", "retries: invalid value 5; expected a mapping"),
        ("job(plan=[1], tag=['a'])(visit)", 'tag: unknown key "tag" (did you mean tags?)'),
        ("job(plan=lambda: 1)(visit)", "invalid function <lambda>"),
    ],
)
def test_a_wrong_job_is_an_import_error_of_its_file(dag_file, text, wrong):
    path = dag_file(f"from airflow_mcp_provider.dag import job\ndef visit(subtask): ...\n{text}\n")
    assert wrong in "".join(bag(path).import_errors.values())


def test_a_file_whose_name_is_not_a_module_is_refused(dag_file):
    path = dag_file(name="my-jobs.py")
    assert "my-jobs.py has no name" in "".join(bag(path).import_errors.values())


def test_a_function_of_a_package_has_its_own_name():
    assert reference(resolve) == "airflow_mcp_provider.runtime.reference:resolve"
    with pytest.raises(SpecError, match="expected one at the top of a module"):
        reference(lambda: 1)
