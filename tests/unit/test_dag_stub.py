"""``dag.pyi`` is what the models are, and a type checker accepts with it what the constructors accept."""

import subprocess
import sys
from pathlib import Path

from airflow_mcp_provider import dag
from scripts.stub import TARGET, made
from tests.sizes import FULL, patient

GOOD = """
from datetime import timedelta

from airflow_mcp_provider.dag import Items, JobSpec, Notify, On, Queue, Retries, Schedule, ShellWork, Step, Subtasks, build_dag, job

made = build_dag(
    JobSpec(
        id="job",
        tags=["a"],
        plan=Items(items=["a", {"b": 1}]),
        steps=[Step(name="a", run=ShellWork(shell="x"), retries=Retries(delay=timedelta(seconds=5)))],
        subtasks=Subtasks(tolerate="5%", batch=2),
        retries=Retries(attempts=2, delay="5s"),
        queue=Queue(rate="3/h", keep=5),
        schedule=Schedule(cron="@daily", timezone="Europe/Berlin"),
        on=On(failure=Notify(notifier="a.b:C")),
    )
)

def find(params: dict[str, int]) -> list[int]:
    return [1]

@job(plan=find, schedule=Schedule(every="15m"), tags=["a"])
def visit(item: int) -> str:
    return str(item)

text: str = visit(3)
"""
BAD = """
from airflow_mcp_provider.dag import Retries, Schedule, job

Retries(atempts=2)
Schedule(cron=5)

@job(plan=[1], tag=["a"])
def other(item: int) -> str:
    return str(item)

other("x")
"""

SETTINGS = "[mypy]\nstrict = True\nfollow_imports = silent\n"
if not FULL:  # most of the time is for Airflow, and nothing of ours has a type of Airflow's
    SETTINGS += "[mypy-airflow.*]\nfollow_imports = skip\n"


def test_it_is_what_the_models_are():
    assert TARGET.read_text() == made(), "run .venv/bin/python -m scripts.stub"
    assert set(dag.__all__) == {name for name in vars(dag) if not name.startswith("_")}


def checked(tmp_path: Path, text: str) -> list[str]:
    (tmp_path / "jobs.py").write_text(text)
    (tmp_path / "mypy.ini").write_text(SETTINGS)
    command = [sys.executable, "-m", "mypy", "--cache-dir", str(tmp_path / "cache"), "jobs.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=patient(500))
    return [line.partition(": ")[2] for line in done.stdout.splitlines() if ": error: " in line]


def test_a_type_checker_knows_each_field(tmp_path):
    found = checked(tmp_path, GOOD + BAD)
    assert len(found) == 4, found
    for text in ('"atempts" for "Retries"', '"cron" to "Schedule"', '"tag" for "job"', '"__call__" of "Job"'):
        assert any(text in line for line in found), (text, found)
