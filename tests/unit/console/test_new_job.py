"""``mcp-jobs new``: what it writes is valid, runs, and replaces nothing."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from airflow_mcp_provider.console.main import main
from airflow_mcp_provider.spec import load_job, parse_job
from tests.sizes import patient


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def written(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_it_writes_a_spec_a_module_and_a_loader(here, capsys):
    assert main(["new", "my_job"]) == 0
    assert written(here) == ["dags/jobs.py", "dags/jobs/my_job.yaml", "dags/my_job.py"]
    assert capsys.readouterr().out.endswith("next: mcp-jobs test dags/jobs/my_job.yaml\n")
    assert load_job("dags/jobs/my_job.yaml").retries.attempts == 3


def test_what_it_writes_runs(here):
    main(["new", "my_job"])
    command = [
        sys.executable,
        "-m",
        "airflow_mcp_provider.console.main",
        "test",
        "my_job",
        "-c",
        "count=5",
        "-o",
        "json",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=patient(120))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["result"] == {"numbers": 6, "sum": 0 + 1 + 4 + 9 + 16 + 10_000}


def test_its_schedule_is_valid_when_it_is_uncommented(here):
    main(["new", "my_job"])
    text = Path("dags/jobs/my_job.yaml").read_text()
    _, end = text.split("# When runs are created without")
    more = re.sub(r"^# ?", "", end.partition("\n")[2], flags=re.MULTILINE)
    assert parse_job(text + more, id="my_job").schedule.conf == {"count": 10}


def test_a_second_job_needs_no_second_loader(here):
    main(["new", "one"])
    assert main(["new", "two"]) == 0
    assert written(here) == ["dags/jobs.py", "dags/jobs/one.yaml", "dags/jobs/two.yaml", "dags/one.py", "dags/two.py"]


def test_in_a_dag_folder_it_writes_there(here, monkeypatch):
    (here / "jobs").mkdir()
    assert main(["new", "one"]) == 0
    assert written(here) == ["jobs.py", "jobs/one.yaml", "one.py"]
    assert main(["new", "two", "--folder", "elsewhere"]) == 0
    assert (here / "elsewhere" / "jobs" / "two.yaml").exists()


@pytest.mark.parametrize(
    "taken", ["dags/my_job.py", "dags/jobs/my_job.yml", "dags/jobs/team/my_job.yaml", "dags/my_job/__init__.py"]
)
def test_nothing_is_overwritten(here, capsys, taken):
    path = here / taken
    path.parent.mkdir(parents=True)
    path.write_text("mine")
    assert main(["new", "my_job"]) == 2
    assert "exists; expected a name that is not in use" in capsys.readouterr().err
    assert written(here) == [taken]
    assert path.read_text() == "mine"


@pytest.mark.parametrize(
    "name", ["My-Job", "", "1a", "class", "queue", "yaml", "jobs", "a/b", "../a", "a.b", "ä", "__init__", "_defaults"]
)
def test_a_name_that_is_no_module_is_refused(here, capsys, name):
    assert main(["new", name]) == 2
    assert "invalid name" in capsys.readouterr().err
    assert written(here) == []
