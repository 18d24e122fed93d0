"""How long 1,000 jobs take to become DAGs: ours, a hand-written loop, dag-factory; and one job in a runner."""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

COUNT = 1000
SPEC = """description: Job {n}.
params:
  url: {{type: string, title: Start page}}
plan: {{python: "bench:plan"}}
run: {{python: "bench:nothing"}}
report: {{python: "bench:times"}}
subtasks: {{key: url, limit: 500}}
retries: {{attempts: 4, delay: 60s}}
"""
OURS = """
from pathlib import Path
from airflow_mcp_provider.factory import load_dags
found = load_dags(Path(__file__).parent / "jobs")
"""
HAND = f"""
from datetime import timedelta
from airflow.sdk import DAG, Param, task
found = {{}}
for n in range({COUNT}):
    with DAG(f"job_{{n}}", description=f"Job {{n}}.", schedule=None, catchup=False, max_active_runs=1,
             params={{"url": Param(type="string", title="Start page")}}, tags=["mcp"], default_args={{"owner": "mcp"}}) as dag:
        @task(retries=3)
        def plan(): return []
        @task(retries=3, retry_delay=timedelta(seconds=60), retry_exponential_backoff=True)
        def run(index): return 1
        @task(retries=3, trigger_rule="all_done")
        def report(results): return 1
        report(run.expand(index=plan()))
    found[dag.dag_id] = dag
"""
FACTORY = """
from pathlib import Path
from dagfactory import load_yaml_dags
found = {}
load_yaml_dags(globals_dict=found, dags_folder=str(Path(__file__).parent / "factory"))
"""
FACTORY_SPEC = """job_{n}:
  default_args: {{owner: mcp, start_date: 2026-01-01}}
  description: Job {n}.
  schedule: null
  tasks:
    - {{task_id: plan, operator: airflow.providers.standard.operators.bash.BashOperator, bash_command: "true", retries: 3}}
    - {{task_id: run, operator: airflow.providers.standard.operators.bash.BashOperator, bash_command: "true", retries: 3, dependencies: [plan]}}
    - {{task_id: report, operator: airflow.providers.standard.operators.bash.BashOperator, bash_command: "true", retries: 3, dependencies: [run]}}
"""
TIMED = """
import json, runpy, sys, time
import airflow.sdk, airflow.dag_processing.dagbag
for module in sys.argv[2:]:
    __import__(module)
began = time.perf_counter()
found = runpy.run_path(sys.argv[1])["found"]
print(json.dumps([time.perf_counter() - began, len([k for k in found if k.startswith("job_")])]))
"""


def measure(runs: int = 3) -> list[tuple[str, str, str]]:
    """Return rows of (what, figure, remark)."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _write(folder)
        ours = _seconds(folder / "ours.py", runs, "airflow_mcp_provider.factory")
        hand = _seconds(folder / "hand.py", runs)
        one = _seconds(folder / "ours.py", runs, "airflow_mcp_provider.factory", dag_id="job_500")
        rows = [
            (f"parse {COUNT} specs, ours", f"{ours:.3f} s", f"{ours / hand:.2f} x hand-written"),
            (f"parse {COUNT} DAGs, hand-written loop", f"{hand:.3f} s", f"{hand / COUNT * 1000:.2f} ms a DAG"),
            ("one of them in a runner, ours", f"{one * 1000:.1f} ms", "goal 15 ms"),
        ]
        factory = _dag_factory(folder, runs)
        return [*rows, (f"parse {COUNT} DAGs, dag-factory", factory, "its own YAML, three tasks each")]


def _write(folder: Path) -> None:
    for part in ("jobs", "factory"):
        (folder / part).mkdir()
    for n in range(COUNT):
        (folder / "jobs" / f"job_{n}.yaml").write_text(SPEC.format(n=n))
    (folder / "factory" / "all.yaml").write_text("".join(FACTORY_SPEC.format(n=n) for n in range(COUNT)))
    for file, text in (("ours.py", OURS), ("hand.py", HAND), ("factory.py", FACTORY)):
        (folder / file).write_text(text)


def _seconds(file: Path, runs: int, *modules: str, dag_id: str | None = None, path: str = "") -> float:
    environment = {**os.environ, "AIRFLOW_HOME": str(file.parent / "home"), "PYTHONPATH": path}
    if dag_id:
        environment["_AIRFLOW_PARSING_CONTEXT_DAG_ID"] = dag_id
    return statistics.median(_once(file, modules, environment, 1 if dag_id else COUNT) for _ in range(runs))


def _once(file: Path, modules: tuple[str, ...], environment: dict[str, str], count: int) -> float:
    command = [sys.executable, "-W", "ignore", "-c", TIMED, str(file), *modules]
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    seconds, found = json.loads(done.stdout.splitlines()[-1])
    assert found == count, f"{file.name} made {found} DAGs, not {count}"
    return float(seconds)


def _dag_factory(folder: Path, runs: int) -> str:
    """It registers a plugin that every Airflow process would load: so it is installed beside, not into."""
    target = folder / "site"
    pip = (
        ["uv", "pip", "install", "--python", sys.executable]
        if shutil.which("uv")
        else [sys.executable, "-m", "pip", "install"]
    )
    command = [*pip, "-q", "--target", str(target), "--no-deps", "dag-factory"]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True)
        return f"{_seconds(folder / 'factory.py', runs, path=str(target)):.3f} s"
    except subprocess.CalledProcessError as error:
        return f"not measured: {error.stderr.strip().splitlines()[-1][:60]}"


def imports(runs: int = 5) -> list[tuple[str, str, str]]:
    """Return what a runner's imports cost, beside the task SDK's own."""
    code = "import time, sys, {base}; began = time.perf_counter(); import {ours}; print(time.perf_counter() - began)"
    base = "airflow.sdk.execution_time.task_runner, airflow.dag_processing.dagbag"
    parts = "airflow_mcp_provider.factory, airflow_mcp_provider.runtime.execute"
    command = [sys.executable, "-W", "ignore", "-c", code.format(base=base, ours=parts)]
    # Compiled, as in an image: the first run compiles and does not count.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    outputs = [subprocess.run(command, env=environment, check=True, capture_output=True) for _ in range(runs + 1)]
    milliseconds = statistics.median(float(one.stdout) for one in outputs[1:]) * 1000
    return [("imports added to a runner", f"{milliseconds:.1f} ms", "goal 20 ms"), *_started(environment, runs)]


def _started(environment: dict[str, str], runs: int) -> list[tuple[str, str, str]]:
    """Return how long programs take that only talk to the HTTP API, with the start of Python."""
    main = ["-m", "airflow_mcp_provider.console.main"]
    programs = {
        "import airflow_mcp_provider.client": (["-c", "import airflow_mcp_provider.client"], "goal 150 ms"),
        "import JobClient": (["-c", "from airflow_mcp_provider.client import JobClient"], "goal 150 ms"),
        "mcp-jobs --help": ([*main, "--help"], "goal 500 ms"),
    }
    with _server() as url:
        there = ["--url", url, "--token", "x"]
        programs["mcp-jobs list"] = ([*main, "list", *there], "goal 500 ms")
        programs["mcp-jobs submit"] = ([*main, "submit", "job", "-c", "n=1", *there], "goal 500 ms")
        return [(name, f"{_wall(words, environment, runs):.0f} ms", goal) for name, (words, goal) in programs.items()]


ACCEPTED = b'{"run": "r", "state": "queued", "position": 1, "eta": null, "status_url": "/"}'


@contextmanager
def _server() -> Iterator[str]:
    """Serve an empty list of jobs, and accept each run: what is measured is the program."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.answer(b'{"jobs": [], "next": null}')

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.answer(ACCEPTED)

        def answer(self, body: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def _wall(words: list[str], environment: dict[str, str], runs: int) -> float:
    """Return the median time of a program in milliseconds."""
    taken = []
    for _ in range(runs + 1):
        began = time.perf_counter()
        subprocess.run([sys.executable, *words], env=environment, check=True, capture_output=True)
        taken.append(time.perf_counter() - began)
    return statistics.median(taken[1:]) * 1000
