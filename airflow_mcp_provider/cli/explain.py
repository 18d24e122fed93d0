"""``airflow mcp explain``: what a job becomes: its tasks, limits, runners, queue, schedule and next runs.

Runs in the shell, without a database and a running Airflow.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from airflow.utils.cli import suppress_logs_and_warning

from airflow_mcp_provider.cli import explain_text, loaders
from airflow_mcp_provider.cli.explained import explained
from airflow_mcp_provider.cli.printing import print_line
from airflow_mcp_provider.cli.resolved import resolved
from airflow_mcp_provider.cli.spec_set import bundle_folders
from airflow_mcp_provider.console.locate import near
from airflow_mcp_provider.errors import SpecError
from airflow_mcp_provider.spec import defaults_of, load_job, printable, spec_files, with_location
from airflow_mcp_provider.spec.faults import sentence
from airflow_mcp_provider.spec.folder import ENDINGS
from airflow_mcp_provider.spec.load import sources

if TYPE_CHECKING:
    from argparse import Namespace

    from airflow_mcp_provider.cli.explained import Explained
    from airflow_mcp_provider.cli.resolved import Value


@suppress_logs_and_warning
def main(args: Namespace) -> None:
    """Print the explanation; exit with status 1 when there is no such job, or its spec has an error."""
    try:
        path = spec_path(args.job)
        found, values = _explained(path, with_values=args.resolved)
    except SpecError as error:
        raise SystemExit(printable_lines(error)) from None
    if args.output == "json":
        more = {"resolved": [asdict(value) for value in values]} if args.resolved else {}
        print_line(json.dumps({**asdict(found), **more}, indent=2))
    else:
        for line in explain_text.lines(found, values):
            print_line(line)


def printable_lines(error: SpecError) -> str:
    """Return the message of an error, with one line for each problem."""
    return "\n".join(map(printable, str(error).split("\n")))


def spec_path(job: str) -> Path:
    """Return the path of a spec: ``job`` is the path itself, or a job id near here or in this Airflow's DAG bundles.

    Raises SpecError when there is none, or more than one.
    """
    path = Path(job)
    if path.suffix in ENDINGS or path.is_file():
        return path
    if path.is_dir():
        raise SpecError(sentence("invalid path of a job spec:", printable(job), "a file, not a folder"))
    if (here := near(job)) is not None:
        return here
    folders = bundle_folders()
    found = [one for folder in folders for one in _loaded(folder) if one.stem == job]
    if len(found) == 1:
        return found[0]
    places = ", ".join(printable(one) for one in found or folders)
    wrong = "ambiguous job id" if found else "unknown job"
    expected = f"the path of one of {places}" if found else f"a path, or the id of a job whose spec is below {places}"
    raise SpecError(sentence(wrong, printable(job), expected))


def _loaded(folder: Path) -> list[Path]:
    """Return the specs of a DAG bundle that are beside a DAG file that loads job specs, or below such a folder."""
    beside = {file.parent for file in loaders.loading(loaders.below([folder]))}
    return [path for path in spec_files(folder) if not beside.isdisjoint(path.parents)]


def _explained(path: Path, *, with_values: bool) -> tuple[Explained, tuple[Value, ...]]:
    defaults = defaults_of(path)
    try:
        spec = load_job(path, defaults)
        values = resolved(spec, sources(path, defaults)) if with_values else ()
        return explained(spec, printable(path)), values
    except Exception as error:
        raise with_location(error, path, defaults) from error
