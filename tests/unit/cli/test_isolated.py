"""The code that a spec names, checked in a child process: what harms it harms nothing else."""

from __future__ import annotations

import sys
from datetime import timedelta

import psutil
import pytest

from airflow_mcp_provider.cli import isolated
from airflow_mcp_provider.cli.named_code import NamedCode
from tests.sizes import patient

LIMIT = timedelta(seconds=patient(60))
GOOD = "def plan(params): return []\ndef run(subtask): return 1\n"
HARMFUL = {
    "import os; os._exit(3)": "the process ended with exit code 3",
    "import os; os._exit(0)": "the process ended with exit code 0 before the function returned",
    "import sys; sys.exit('bye')": "SystemExit: bye",
    "import ctypes; ctypes.string_at(0)": "the process was killed by SIGSEGV",
    "import os, signal; os.kill(os.getpid(), signal.SIGKILL)": "the process was killed by SIGKILL",
    "raise KeyboardInterrupt": "KeyboardInterrupt",
    "def f(:": "SyntaxError: invalid syntax",
    "import os; os.closerange(0, 100)\n" + GOOD: "the process ended with exit code",
    "class Bad(Exception):\n    def __str__(self): raise ValueError\nraise Bad": "no message: formatting it raised",
    "import atexit, time; atexit.register(time.sleep, 600)\nraise SystemExit": "SystemExit",
    "import threading, time; threading.Thread(target=time.sleep, args=(600,)).start(); 1 / 0": "ZeroDivisionError",
}


@pytest.mark.parametrize("text", HARMFUL)
def test_a_module_that_does_harm_is_an_error_of_its_references_alone(tmp_path, text, capfd):
    (tmp_path / "mcp_good.py").write_text(GOOD)
    (tmp_path / "mcp_bad.py").write_text(text)
    named = [
        NamedCode("plan.python", "mcp_bad:plan", "plan"),
        NamedCode("run.python", "mcp_good:run", "run"),
        NamedCode("report.python", "mcp_good:nothing", "report"),
        NamedCode("schedule.watch.python", "mcp_bad:watch", "watch"),
    ]
    found = isolated.problems_of(named, tmp_path, LIMIT)
    assert sorted(one.path for one in found) == ["plan.python", "report.python", "schedule.watch.python"]
    first = next(one for one in found if one.path == "plan.python")
    assert HARMFUL[text] in first.message
    assert first.given == "mcp_bad:plan"
    assert "mcp_bad" not in sys.modules
    assert capfd.readouterr() == ("", "")


def test_a_module_that_hangs_is_ended_with_all_that_it_started(tmp_path):
    (tmp_path / "mcp_slow.py").write_text(
        "import subprocess, time\nsubprocess.Popen(['sleep', '777'], start_new_session=True)\ntime.sleep(777)\n"
    )
    named = [NamedCode("plan.python", "mcp_slow:plan", "plan")]
    (found,) = isolated.problems_of(named, tmp_path, timedelta(seconds=2))
    assert found.message == "import error (it did not end within 2s) of"
    assert not [one for one in psutil.Process().children(recursive=True) if "777" in one.cmdline()]


def test_the_folder_of_the_code_is_searched_and_not_the_working_directory(tmp_path, monkeypatch):
    (tmp_path / "mcp_here.py").write_text(GOOD)
    named = [NamedCode("plan.python", "mcp_here:plan", "plan")]
    assert isolated.problems_of(named, tmp_path, LIMIT) == []
    other = tmp_path / "other"
    other.mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    (found,) = isolated.problems_of(named, other, LIMIT)
    assert found.message == "module 'mcp_here' not found, which is needed by"


def test_output_of_the_code_is_left_out(tmp_path, capfd):
    (tmp_path / "mcp_loud.py").write_text("import os\nprint('x')\nos.write(2, b'x')\n" + GOOD)
    assert isolated.problems_of([NamedCode("plan.python", "mcp_loud:plan", "plan")], tmp_path, LIMIT) == []
    assert capfd.readouterr() == ("", "")
