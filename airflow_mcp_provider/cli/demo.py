"""``airflow mcp demo``: start a temporary Airflow, run the job `inventory` on a directory and print its report.

Runs in the shell. At its end it stops every process that it started and removes its files.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import airflow
import httpx
from rich.console import Console

from airflow_mcp_provider.cli import demo_report, progress
from airflow_mcp_provider.embedded.airflow import USER, Embedded
from airflow_mcp_provider.errors import InstallationError

if TYPE_CHECKING:
    from argparse import Namespace

JOB = "inventory"
# A tree of a few hundred directories that exists in every installation. Few directories per subtask make more subtasks.
TREE = Path(airflow.__file__).parent
DIRECTORIES_PER_SUBTASK = 8


def main(args: Namespace) -> None:
    """Run the demo; exit with status 1 when the run failed, 130 after Ctrl-C."""
    console = Console()
    try:
        passed = demo(_tree(args.path), console, keep=args.keep)
    except KeyboardInterrupt:
        console.print("stopped")
        raise SystemExit(130) from None
    except InstallationError as error:
        raise SystemExit(str(error)) from None
    raise SystemExit(0 if passed else 1)


def demo(tree: Path, console: Console, *, keep: bool) -> bool:
    """Run the job on a directory tree, print its progress and report, and return whether the run succeeded."""
    began = time.monotonic()
    console.print(f"Starting a temporary Airflow {airflow.__version__} …")
    # A triggerer, for jobs with schedule.watch, where a user may resume them: it needs 250 MB.
    with Embedded(dags=job_folder(), triggerer=keep) as embedded:
        embedded.api.wait_for_dag(JOB)
        console.print(f"Airflow is ready after {time.monotonic() - began:.1f} s: {embedded.url}")
        console.print(f"Running the job {JOB} on {tree}", markup=False)
        passed = run(embedded, tree, console)
        console.print(f"Total time: {time.monotonic() - began:.1f} s")
        if keep:
            _keep_running(embedded, console)
    return passed


def run(embedded: Embedded, tree: Path, console: Console) -> bool:
    """Run the job, print its progress and report, and return whether the run succeeded."""
    conf = {"path": str(tree), "directories_per_subtask": DIRECTORIES_PER_SUBTASK}
    run_id = embedded.api.trigger(JOB, conf)
    seen = progress.show(embedded.api, JOB, run_id, console)
    for part in demo_report.report(result(embedded, run_id)):
        console.print(part)
    return seen.state == "success"


def result(embedded: Embedded, run_id: str) -> dict[str, Any]:
    """Return the result of the run, the XCom of ``report``; that of a failed run has another key or is missing."""
    for key in ("return_value", "result"):
        try:
            found: dict[str, Any] = embedded.api.xcom(JOB, run_id, "report", key)
        except httpx.HTTPStatusError as error:
            if error.response.status_code != httpx.codes.NOT_FOUND:
                raise
        else:
            return found
    return {"state": "failed"}


def job_folder() -> Path:
    """Return the folder of the example jobs: in the installed package, or next to it in a git checkout.

    Raises InstallationError when there is none.
    """
    package = Path(__file__).parents[1]
    for folder in (package / "dags", package.parent / "dags"):
        if (folder / "jobs" / f"{JOB}.yaml").exists():
            return folder
    raise InstallationError(f"example job {JOB!r} not found; reinstall airflow-mcp-provider")


def _tree(path: str | None) -> Path:
    tree = Path(path).resolve() if path else TREE
    if not tree.is_dir():
        raise SystemExit(f"{tree} is not a directory")
    return tree


def _keep_running(embedded: Embedded, console: Console) -> None:
    console.print(
        f"\nAirflow is running at [bold]{embedded.url}[/]: user [bold]{USER}[/], password [bold]{embedded.password}[/]",
        soft_wrap=True,  # an address and a password are copied
    )
    console.print("Press Ctrl-C to stop it and to remove its files.")
    while True:
        time.sleep(1)
        embedded.processes.check()
