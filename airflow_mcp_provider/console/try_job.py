"""``mcp-jobs test``: run a job in this process, without Airflow, and show its subtasks as a tree.

The exit code is 0 when the run would be a success in Airflow, else 1.
"""

from __future__ import annotations

import json
import os
import sys
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from airflow_mcp_provider.console import locate, text, values
from airflow_mcp_provider.console.exit_codes import Exit
from airflow_mcp_provider.errors import InvalidRequest
from airflow_mcp_provider.local_run.params import undeclared
from airflow_mcp_provider.local_run.run import LocalRun, Options, Result
from airflow_mcp_provider.runtime.messages import stored

if TYPE_CHECKING:
    from airflow_mcp_provider.console.locate import Found


def test(args: Namespace, _program: str, _default_url: str | None) -> int:
    """Run the job, print its result, and return the exit code."""
    conf = _conf(args)
    found = locate.job(args.job)
    _import_from(found)
    for name in undeclared(found.spec.params, conf):
        print(f"ignored: {text.clean(name)} is not a param of {found.spec.id}", file=sys.stderr)  # noqa: T201 - output
    run = LocalRun(found.spec, conf, Options(isolated=args.isolated, delays=args.delays), found.other)
    result = _shown(run, args)
    return Exit.DONE if result.succeeded else Exit.ERROR


def _conf(args: Namespace) -> dict[str, object]:
    found = values.conf(args.conf)
    if args.json is None:
        return found
    try:
        whole = json.loads(args.json)
    except ValueError as error:
        raise _invalid(f"{text.clean(args.json, 60)}: {error}") from None
    if not isinstance(whole, dict):
        raise _invalid(text.clean(args.json, 60))
    return {**whole, **found}


def _invalid(given: str) -> InvalidRequest:
    wrong = f"invalid --conf {given}; expected a JSON object"
    return InvalidRequest(wrong, url="--conf", next_step="change the argument")


def _import_from(found: Found) -> None:
    """Find modules where a runner finds them: Airflow appends its DAG folder to the path."""
    place = str(found.modules)
    if place not in sys.path:
        sys.path.append(place)


def _shown(run: LocalRun, args: Namespace) -> Result:
    if args.output == "json":
        with _stdout_is_stderr():
            result = run.run()
        document = {"job": run.spec.id, **stored(result.run), "note": result.note}
        print(json.dumps(document, indent=2, ensure_ascii=False))  # noqa: T201 - the command's output
        return result
    from airflow_mcp_provider.console.live_tree import shown  # noqa: PLC0415 - loads rich, only where it draws

    return shown(run)


@contextmanager
def _stdout_is_stderr() -> Iterator[None]:
    """What the work prints goes to stderr, so that programs can read the document."""
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        sys.stdout.flush()
        os.dup2(kept, 1)
        os.close(kept)
