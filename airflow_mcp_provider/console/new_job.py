"""``mcp-jobs new``: write a commented spec and its module, which run, into a DAG folder.

Runs in a shell. Nothing is overwritten: when one of the files exists, none is written.
"""

from __future__ import annotations

import keyword
import re
import sys
from argparse import Namespace
from importlib.util import find_spec
from pathlib import Path

from airflow_mcp_provider.console import text
from airflow_mcp_provider.errors import InvalidRequest
from airflow_mcp_provider.spec.folder import loads_jobs, spec_files

JOBS = "jobs"
"""The folder of specs in the DAG folder."""
NAME = r"[a-z][a-z0-9_]{0,99}"
"""``_defaults.yaml`` and ``__init__.py`` mean something else."""
_LOADER = '''\
"""Every job of ``jobs/``, as a DAG."""

from pathlib import Path

from airflow_mcp_provider.factory import load_dags

globals().update(load_dags(Path(__file__).parent / "jobs"))
'''
_SPEC = """\
# {name}: the name of this file is the job id and the dag_id.
# Check it:   airflow mcp validate {jobs}/{name}.yaml
# Try it:     mcp-jobs test {name} -c count=5
description: |
  Square some numbers.
  The first line is the description of the DAG, all of it its page.
owner: mcp
tags: [new]

# The form of the Trigger button, and what the conf of a run may have: JSON Schemas by name.
params:
  count:
    type: integer
    minimum: 0
    maximum: 1000
    default: 3
    title: How many numbers

# The functions are in {name}.py. Instead of python: a command, a shell script, a container.
plan: {{python: "{name}:plan"}}        # returns the first subtasks
run: {{python: "{name}:run"}}          # does one subtask, may enqueue others
report: {{python: "{name}:report"}}    # combines all outcomes into the result of the run

subtasks:
  key: number        # the field that identifies a subtask in its run
  parallelism: 4     # how many run at the same time
  tolerate: 5%       # how many may fail in a successful run
retries: {{attempts: 3, delay: 10s, never_on: [ValueError]}}
timeouts: {{soft: 4m, hard: 5m, run: 1h}}

# When runs are created without a person or a program:
# schedule:
#   cron: "0 8 * * mon-fri"
#   timezone: Europe/Berlin
#   conf: {{count: 10}}
"""
_MODULE = '''\
"""The functions of the job ``{name}``."""

from airflow_mcp_provider.runtime import enqueue, progress


def plan(params: dict) -> list[dict]:
    """Return the first subtasks of a run."""
    return [{{"number": number}} for number in range(params["count"])]


def run(subtask: dict) -> int:
    """Do one subtask; what it returns is the subtask's result."""
    number = subtask["number"]
    progress(0.5, f"squaring {{number}}")
    if number == 2:
        enqueue({{"number": 100}})  # a subtask that is found during the run; a known key adds none
    return number * number


def report(outcomes) -> dict:
    """Return the result of the run. Each outcome has key, payload, status, result, error, attempts."""
    done = [outcome for outcome in outcomes if outcome.status == "success"]
    return {{"numbers": len(done), "sum": sum(outcome.result for outcome in done)}}
'''


def new(args: Namespace, program: str, _default_url: str | None) -> int:
    """Write the files, and print what to do next."""
    name, folder = _valid(args.name), Path(args.folder or _dag_folder())
    files = _files(name, folder)
    for path, content in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x") as file:
            file.write(content)
        print(f"written: {text.clean(path)}")  # noqa: T201 - the command's output
    print(f"next: {program} test {text.clean(folder / JOBS / name)}.yaml")  # noqa: T201 - likewise
    return 0


def _valid(name: str) -> str:
    if not re.fullmatch(NAME, name) or keyword.iskeyword(name) or name == JOBS or _is_installed(name):
        expected = "a lower case letter, then also digits and _, not the name of an installed module, such as my_job"
        raise _refused(f"invalid name {text.clean(name, 60)!r}; expected {expected}")
    return name


def _is_installed(name: str) -> bool:
    """Whether a module of this name is found before that of the DAG folder."""
    return name in sys.stdlib_module_names or find_spec(name) is not None


def _files(name: str, folder: Path) -> dict[Path, str]:
    """Return the content of the files to write, by path; raises InvalidRequest when one exists."""
    jobs = folder / JOBS
    files = {
        jobs / f"{name}.yaml": _SPEC.format(name=name, jobs=jobs),
        folder / f"{name}.py": _MODULE.format(name=name),
    }
    if not any(map(loads_jobs, folder.glob("*.py"))):
        files[folder / "jobs.py"] = _LOADER
    same = [path for path in spec_files(jobs) if path.stem == name] if jobs.is_dir() else []
    taken = [*same, *(path for path in files if path.exists()), *(path for path in [folder / name] if path.exists())]
    if taken:
        raise _refused(f"{text.clean(taken[0])} exists; expected a name that is not in use")
    return files


def _dag_folder() -> str:
    """Return the DAG folder: ``dags`` here, or this folder where it has specs or a DAG file that loads them."""
    here = Path()
    own = (here / JOBS).is_dir() or any(map(loads_jobs, here.glob("*.py")))
    return "." if own or here.absolute().name == "dags" else "dags"


def _refused(wrong: str) -> InvalidRequest:
    return InvalidRequest(wrong, url="new", next_step="use another name, or another --folder")
