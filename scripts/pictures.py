"""Make the pictures of docs/templates: each template runs on real input in a real Airflow, Chromium looks at the run.

    .venv/bin/python -m scripts.pictures [template …] [pages]

`pages`: those of docs/pages.md and the README, see page_pictures.py. Without a name: all.

Needs `chromium`, and the servers that the tests of the templates use. Look at each picture before you commit it.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from airflow_mcp_provider.embedded.airflow import Embedded
from scripts import page_pictures
from tests.integration.templates import postgres_server, site
from tests.integration.templates.test_template_fit_report import measured, steps, write

ROOT = Path(__file__).parents[1]
SITE = "http://site.example"
"""What the runners' proxy, the site itself, is asked for."""
NO_LOGIN = {"AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True"}
PAGES = "pages"
SUBTASKS, RUN = "/tasks/run/mapped", ""
"""What of a run is shown: of a job with steps the subtasks of all."""

Conf = dict[str, Any]


def crawl_site(_: Path) -> Conf:
    """Sixty pages and what they link to."""
    return {"url": f"{SITE}/", "depth": 3, "delay": 0}


def drain_queue(folder: Path) -> Conf:
    """A spool directory of two hundred messages."""
    for number in range(200):
        booking = {"id": f"id-{number}", "account": f"account-{number % 7}", "cents": number}
        (folder / f"{number:04}.json").write_text(json.dumps(booking))
    return {"source": str(folder), "ledger": str(folder / ".ledger.db"), "pause": 0.02}


def fit_report(folder: Path) -> Conf:
    """Modules of the standard library, and a group that wants more memory than it may have."""
    for name, rows in {**measured(), "whole": steps(1_500_000)}.items():
        write(folder / "data" / f"{name}.csv", rows)
    return {"data": str(folder / "data"), "folder": str(folder / "report"), "memory": 128, "draws": 2000}


def matrix(_: Path) -> Conf:
    """Any file."""
    return {"file": subprocess.__file__}


def nightly_backup(folder: Path) -> Conf:
    """Each database of a Postgres of our own."""
    return {"host": "127.0.0.1", "port": int(os.environ["PGPORT"]), "folder": str(folder)}


def pipeline(folder: Path) -> Conf:
    """Some modules of the standard library."""
    (folder / "in").mkdir()
    for name in ("argparse", "ast", "datetime", "decimal", "inspect", "pathlib", "subprocess", "typing"):
        shutil.copy(Path(os.__file__).with_name(f"{name}.py"), folder / "in")
    return {"path": str(folder / "in"), "target": str(folder / "out")}


def write_sections(_: Path) -> Conf:
    """Twenty sections, with a tool that is busy now and then."""
    return {"busy": 0.1}


TEMPLATES: dict[str, tuple[Callable[[Path], Conf], str, str]] = {
    "crawl_site": (crawl_site, "the-whole-site", SUBTASKS),
    "drain_queue": (drain_queue, "this-mornings-bookings", SUBTASKS),
    "fit_report": (fit_report, "lines-of-code", SUBTASKS),
    "matrix": (matrix, "which-compressor", SUBTASKS),
    "nightly_backup": (nightly_backup, "last-night", SUBTASKS),
    "pipeline": (pipeline, "tonights-files", RUN),
    "write_sections": (write_sections, "standard-library", RUN),
}


def main(names: list[str]) -> None:
    """Make the pictures of these templates and of the pages, or all."""
    if not names or PAGES in names:
        page_pictures.main()
    if templates := [name for name in names or TEMPLATES if name != PAGES]:
        _templates(templates)


def _templates(names: list[str]) -> None:
    with ExitStack() as stack:
        work = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pictures-")))
        airflow = stack.enter_context(_airflow(work, stack))
        for name in names:
            run_id = _start(airflow, name, work)
            state = airflow.api.wait(name, run_id, 600)["state"]
            print(name, state)
            _look(f"{airflow.url}/dags/{name}/runs/{run_id}{TEMPLATES[name][2]}", work, name)


def _airflow(work: Path, stack: ExitStack) -> Embedded:
    dags = shutil.copytree(ROOT / "dags", work / "dags", ignore=shutil.ignore_patterns("__pycache__"))
    server = stack.enter_context(postgres_server.served())
    for name in ("people", "shop", "stock"):
        server.psql("postgres", f"CREATE DATABASE {name}")
        server.psql(name, "CREATE TABLE facts AS SELECT n FROM generate_series(1, 50000) n")
    os.environ["PGPORT"] = str(server.port)
    shown = stack.enter_context(site.served(60))
    env = {**NO_LOGIN, "http_proxy": shown.url, "no_proxy": "127.0.0.1", "PGPASSFILE": str(server.passfile)}
    shown.url = SITE
    return Embedded(dags=dags, parallelism=8, env={**env, "PATH": f"{postgres_server.BIN}:{os.environ['PATH']}"})


def _start(airflow: Embedded, name: str, work: Path) -> str:
    conf_of, run_id, _ = TEMPLATES[name]
    folder = work / name
    folder.mkdir()
    airflow.api.wait_for_dag(name)
    return airflow.api.trigger(name, conf_of(folder), dag_run_id=run_id)


def _look(url: str, work: Path, name: str) -> None:
    flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--window-size=1400,760"]
    # Its clock runs ahead until the page has asked for all that it shows.
    wait = ["--timeout=30000", "--virtual-time-budget=20000", f"--user-data-dir={work / 'chromium'}"]
    picture = ROOT / "docs" / "pictures" / f"{name}.png"
    command = ["chromium", *flags, *wait, f"--screenshot={picture}", url]
    subprocess.run(command, check=True, capture_output=True)  # noqa: S603 - all of it is said here


if __name__ == "__main__":
    main(sys.argv[1:])
