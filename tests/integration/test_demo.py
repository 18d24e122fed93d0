"""What a newcomer types first, as a program: its report, its exit code, and that it goes without a trace."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from airflow_mcp_provider.embedded import reaper
from tests.sizes import patient

AIRFLOW = Path(sys.executable).with_name("airflow")


@pytest.fixture
def tree(tmp_path):
    for number in range(30):
        folder = tmp_path / "tree" / f"part-{number % 7}" / f"deep-{number}"
        folder.mkdir(parents=True)
        (folder / "code.py").write_text("one = 1\ntwo = 2\n")
        (folder / f"only-{number}.md").write_text(f"# {number}\n")
    return tmp_path / "tree"


def mcp(*arguments, **more):
    return subprocess.run([AIRFLOW, "mcp", *map(str, arguments)], check=False, capture_output=True, text=True, **more)


def test_the_report_of_a_tree(tree):
    done = mcp("demo", tree)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "subtasks succeeded; 38 directories, 60 files, 90 lines" in " ".join(done.stdout.split())
    assert "Python" in done.stdout
    assert "known" in done.stdout


def test_keep_tells_the_way_in_and_ctrl_c_ends_everything(tmp_path):
    demo = subprocess.Popen([AIRFLOW, "mcp", "demo", tmp_path, "--keep"], stdout=subprocess.PIPE, text=True)
    lines = []
    for line in demo.stdout:
        lines.append(line)
        if "Ctrl-C" in line:
            break
    assert "user admin, password" in "".join(lines)
    (home,) = {reaper.mark(child)[0] for child in psutil.Process(demo.pid).children()} - {""}
    assert len(reaper.marked(home)) >= 4
    demo.send_signal(signal.SIGINT)
    assert ended(demo, home) == 130
    assert reaper.marked(home) == []
    assert not Path(home).exists()


def ended(demo, home):
    """Return the exit code; says what is left where the end takes too long."""
    try:
        return demo.wait(timeout=patient(20))
    except subprocess.TimeoutExpired:
        left = [f"{reaper.mark(process)[1]} {process.pid} {process.status()}" for process in reaper.marked(home)]
        pytest.fail(f"the demo did not end; of its Airflow there is: {left}")
    finally:
        demo.kill()  # the guard of its Airflow ends the rest


def test_a_tree_that_is_not_there(tmp_path):
    done = mcp("demo", tmp_path / "nothing")
    assert done.returncode == 1
    assert "is not a directory" in done.stderr


def test_check_finds_growth_active_without_any_setting(tmp_path):
    done = mcp("check", "--output", "json", env={**os.environ, "AIRFLOW_HOME": str(tmp_path)})
    findings = json.loads(done.stdout)
    assert [finding for finding in findings if finding["needed"] and not finding["ok"]] == []
    assert done.returncode == 0


def test_check_fails_with_a_fix_where_growth_is_off(tmp_path):
    settings = {"AIRFLOW__STATE_STORE__CLEAR_ON_SUCCESS": "True", "AIRFLOW__WORKERS__STATE_STORE_BACKEND": "a.B"}
    done = mcp("check", env={**os.environ, **settings, "AIRFLOW_HOME": str(tmp_path)})
    assert done.returncode == 1
    assert done.stdout.count("missing") == 2


def test_schema_and_validate_of_our_own_jobs():
    assert json.loads(mcp("schema").stdout)["properties"]["plan"]
    jobs = Path(__file__).parents[2] / "dags" / "jobs"
    assert mcp("validate", jobs).returncode == 0
