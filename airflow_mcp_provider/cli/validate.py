"""``airflow mcp validate`` and ``airflow mcp schema``: check job specs without a running Airflow.

Runs in the shell and in CI, to find an invalid spec before it is deployed.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from airflow.utils.cli import suppress_logs_and_warning
from pydantic_core import PydanticCustomError

from airflow_mcp_provider.cli.printing import print_line
from airflow_mcp_provider.cli.spec_check import Checks
from airflow_mcp_provider.cli.spec_set import spec_sets
from airflow_mcp_provider.spec import job_schema, printable
from airflow_mcp_provider.spec.durations import parse_duration
from airflow_mcp_provider.spec.faults import sentence, shown
from airflow_mcp_provider.spec.folder import ENDINGS

if TYPE_CHECKING:
    from argparse import Namespace
    from datetime import timedelta

    from airflow_mcp_provider.cli.spec_finding import SpecFinding


@suppress_logs_and_warning
def main(args: Namespace) -> None:
    """Check all specs; exit with status 1 when one has an error, or with ``--strict`` a warning."""
    sets = spec_sets(map(Path, args.paths), Path(args.dag_folder) if args.dag_folder else None)
    if not any(one.paths for one in sets):
        raise SystemExit(f"no job spec ({', '.join(ENDINGS)}) found in {', '.join(args.paths)}")
    limit = _limit(args)
    as_text = args.output != "json"
    findings = [finding for one in sets for finding in _checked(Checks(one, limit), as_text=as_text)]
    if not as_text:
        print_line(json.dumps([finding.dump() for finding in findings], indent=2))
    raise SystemExit(1 if any(args.strict or one.severity == "error" for one in findings) else 0)


def schema(_: Namespace) -> None:
    """Print the JSON Schema."""
    print_line(json.dumps(job_schema(), indent=2))


def _limit(args: Namespace) -> timedelta | None:
    if args.no_imports:
        return None
    try:
        return parse_duration(args.import_timeout)
    except PydanticCustomError as error:
        details = error.context or {}
        given = shown(args.import_timeout)
        raise SystemExit(f"--import-timeout: {sentence(details['wrong'], given, details['expected'])}") from None


def _checked(checks: Checks, *, as_text: bool) -> list[SpecFinding]:
    """Return the findings; as text, those of each spec are printed when it has been checked."""
    every: list[SpecFinding] = []
    for path, spec, findings in checks.each():
        every += findings
        if as_text:
            _show(findings)
            if spec and not any(one.severity == "error" for one in findings):
                print_line(f"{printable(path)}: ok, job {spec.id}")
    together = [*checks.together()]
    if as_text:
        _show(together)
    return every + together


def _show(findings: list[SpecFinding]) -> None:
    for finding in findings:
        print_line(finding)
