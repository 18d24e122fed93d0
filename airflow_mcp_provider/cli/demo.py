"""``airflow mcp demo``: an Airflow of its own, the job `inventory` on a directory tree, its report.

Runs in the shell, and is what a newcomer sees first: it starts nothing that it does not end.
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
# A tree of a few hundred directories that is wherever Airflow is. Few directories a subtask: there is more to see.
TREE = Path(airflow.__file__).parent
DIRECTORIES_PER_SUBTASK = 8


def main(args: Namespace) -> None:
    """Run the demo; exit with 1 when the run failed, 130 after Ctrl-C."""
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
    """Run the job on a tree, show all of it, and tell whether it succeeded."""
    began = time.monotonic()
    console.print(f"Starting Airflow {airflow.__version__} on this machine …")
    with Embedded(dags=job_folder()) as embedded:
        embedded.api.wait_for_dag(JOB)
        console.print(f"Ready after {time.monotonic() - began:.1f} s: {embedded.url}")
        console.print(f"Job {JOB} on {tree}", markup=False)
        passed = run(embedded, tree, console)
        console.print(f"From start to report: {time.monotonic() - began:.1f} s")
        if keep:
            _stay(embedded, console)
    return passed


def run(embedded: Embedded, tree: Path, console: Console) -> bool:
    """Run the job, show its progress and its report."""
    conf = {"path": str(tree), "directories_per_subtask": DIRECTORIES_PER_SUBTASK}
    run_id = embedded.api.trigger(JOB, conf)
    seen = progress.show(embedded.api, JOB, run_id, console)
    for part in demo_report.report(result(embedded, run_id)):
        console.print(part)
    return seen.state == "success"


def result(embedded: Embedded, run_id: str) -> dict[str, Any]:
    """Read the run's result; a run that failed has left it beside its return value, or none at all."""
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
    """Find the jobs that come with this package: installed inside it, in a checkout beside it."""
    package = Path(__file__).parents[1]
    for folder in (package / "dags", package.parent / "dags"):
        if (folder / "jobs" / f"{JOB}.yaml").exists():
            return folder
    raise InstallationError(f"the job {JOB!r} is not installed: install airflow-mcp-provider again")


def _tree(path: str | None) -> Path:
    tree = Path(path).resolve() if path else TREE
    if not tree.is_dir():
        raise SystemExit(f"{tree} is no directory")
    return tree


def _stay(embedded: Embedded, console: Console) -> None:
    console.print(
        f"\nAirflow is at [bold]{embedded.url}[/]: user [bold]{USER}[/], password [bold]{embedded.password}[/]"
    )
    console.print("Ctrl-C stops it and removes everything.")
    while True:
        time.sleep(1)
        embedded.processes.check()
