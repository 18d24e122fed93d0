"""A runner that is asked to end: cancelled work cleans up within its grace, any other is killed at once."""

import threading

import pytest

from airflow_mcp_provider.errors import SoftTimeout, SubtaskError
from airflow_mcp_provider.runtime import soft_stop
from tests.sizes import patient
from tests.unit.waiting import until

CLEANING = """
import pathlib, time
from airflow_mcp_provider.errors import SoftTimeout

def work(subtask):
    begun = pathlib.Path(subtask["file"])
    try:
        begun.touch()
        time.sleep(600)
    except SoftTimeout:
        time.sleep(subtask["needs"])
        begun.write_text("cleaned up")
        raise
"""
SHELL = 'trap "echo cleaned up > $MCP_SUBTASK_FILE; exit 3" TERM; touch "$MCP_SUBTASK_FILE"; while true; do sleep 0.05; done'


@pytest.fixture(autouse=True)
def forget(monkeypatch):
    monkeypatch.setattr(soft_stop, "ASKED_S", patient(30))
    yield
    soft_stop._graces.clear()


def stop_when(path, grace):
    """Ask the runner to end as soon as the work has begun."""

    def run():
        until(lambda: path.exists() and soft_stop._working)  # what was not started yet is killed at once
        soft_stop.ask_by(grace)
        soft_stop.stop()

    threading.Thread(target=run, daemon=True).start()


def test_a_function_may_clean_up(do, module, tmp_path):
    file = tmp_path / "file"
    stop_when(file, lambda: patient(60))
    with pytest.raises(SoftTimeout, match="or the run was cancelled"):
        do({"python": f"{module(CLEANING)}:work"}, {"file": str(file), "needs": 0.3})
    assert file.read_text() == "cleaned up"


def test_a_command_gets_sigterm(do, tmp_path):
    file = tmp_path / "file"
    stop_when(file, lambda: patient(60))
    with pytest.raises(SubtaskError, match="ended with exit code 3"):
        do({"shell": SHELL}, {"file": str(file)})
    assert file.read_text() == "cleaned up\n"


@pytest.mark.timeout(120)  # the work would last for ten minutes
def test_after_the_grace_it_is_killed(do, module, tmp_path):
    file = tmp_path / "file"
    stop_when(file, lambda: 0.5)
    with pytest.raises(SubtaskError, match="killed by SIGKILL"):
        do({"python": f"{module(CLEANING)}:work"}, {"file": str(file), "needs": 600})
    assert file.read_text() == ""


def unreachable():
    raise ConnectionError


@pytest.mark.parametrize("grace", [lambda: 0.0, unreachable], ids=["no grace", "no answer"])
def test_without_a_grace_it_is_killed_at_once(do, module, tmp_path, grace):
    file = tmp_path / "file"
    stop_when(file, grace)
    with pytest.raises(SubtaskError, match="killed by SIGKILL"):
        do({"python": f"{module(CLEANING)}:work"}, {"file": str(file), "needs": 0})
    assert file.read_text() == ""


def test_a_server_that_does_not_answer_is_not_waited_for(do, module, tmp_path, monkeypatch):
    monkeypatch.setattr(soft_stop, "ASKED_S", 0.2)
    file, never = tmp_path / "file", threading.Event()
    stop_when(file, lambda: float(never.wait(600)))
    with pytest.raises(SubtaskError, match="killed by SIGKILL"):
        do({"python": f"{module(CLEANING)}:work"}, {"file": str(file), "needs": 0})
    never.set()


@pytest.mark.timeout(120)  # the grace would last for ten minutes
def test_without_work_there_is_nothing_to_wait_for():
    soft_stop.ask_by(lambda: 600.0)
    soft_stop._stop()
