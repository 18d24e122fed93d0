"""Call the notifiers of a job (``on`` of its spec), each in a process of its own with a time limit.

Runs in the runner of a report, and in the DAG processor for runs that ended without their report. A notifier that
raises, exits, crashes or hangs fails alone; its reason is in the log.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import structlog
from airflow.sdk import BaseNotifier, Context
from airflow.sdk.configuration import conf

from airflow_mcp_provider.errors import SpecError, SubtaskError
from airflow_mcp_provider.operators.supervisor_relay import SupervisorLine
from airflow_mcp_provider.runtime import function, processes, redaction
from airflow_mcp_provider.runtime.answer_types import FailedSubtask
from airflow_mcp_provider.runtime.notice import ERRORS, Event, Notice, SubtaskCounts, run_url
from airflow_mcp_provider.runtime.reference import resolve
from airflow_mcp_provider.runtime.runner_folder import private_folder

SECONDS = 30.0
"""The time limit of one notifier: Airflow ends all work of the DAG processor for one file after 50 s."""
REASON_CHARS = 500

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Default:
    """The value of a notifier's parameter that ``args`` does not set: a template, or ``values`` of its fields.

    ``instead`` are parameters that replace this one.
    """

    value: str | Mapping[str, str]
    instead: frozenset[str] = frozenset()


_JSON = {name: f"{{{{ mcp.{name} }}}}" for name in ("event", "job", "run", "state", "reason", "url")}
DEFAULTS = {
    **{name: Default("{{ mcp.message }}") for name in ("text", "message", "body", "content", "message_body")},
    **{name: Default("{{ mcp.subject }}") for name in ("subject", "title", "summary")},
    "description": Default("{{ mcp.message }}"),
    "html_content": Default("{{ mcp.html }}", frozenset({"template"})),
    "json": Default({"text": "{{ mcp.message }}", **_JSON}, frozenset({"data"})),
}
"""By the names of parameters: Slack, Discord, Telegram, Chime, Apprise, SMTP, SNS, SQS, PagerDuty, Jira, HTTP."""


class Result(Protocol):
    """The part of a run's result that a notice has."""

    @property
    def state(self) -> str: ...  # noqa: D102 - see report.RunResult
    @property
    def subtasks(self) -> int: ...  # noqa: D102
    @property
    def succeeded(self) -> int: ...  # noqa: D102
    @property
    def failed(self) -> int: ...  # noqa: D102
    @property
    def skipped(self) -> int: ...  # noqa: D102
    @property
    def failures(self) -> list[FailedSubtask]: ...  # noqa: D102


def of_report(context: Context, event: Event, result: Result, note: str) -> Notice:
    """Return the notice of a run that ends with its report; ``note`` is the one of the run."""
    ti = context["ti"]
    base = conf.get("api", "base_url", fallback="") or "http://localhost:8080"
    reason = note.splitlines()[0].removeprefix(f"{result.state}: ")
    counts = SubtaskCounts(result.subtasks, result.succeeded, result.failed, result.skipped)
    return Notice(
        event=event,
        job=ti.dag_id,
        run=ti.run_id,
        state=result.state,
        url=run_url(base, ti.dag_id, ti.run_id),
        reason=reason,
        counts=counts,
        errors=result.failures[:ERRORS],
    )


def send(
    notice: Notice, notifiers: Iterable[Mapping[str, Any]], context: Mapping[str, Any], places: Iterable[str] = ()
) -> list[str]:
    """Call the notifiers one after the other; returns the reasons of those that failed.

    ``notifiers`` are ``Notify`` in their JSON form. ``context`` is Airflow's, for templates. ``places`` are those of
    secrets (``SupervisorLine``).
    """
    failed = []
    for one in notifiers:
        try:
            with private_folder() as folder:
                _alone(one, notice, context, folder / "result", SupervisorLine(places))
        except Exception as error:  # noqa: BLE001 - a notifier fails nothing else
            reason = f"{one['notifier']}: {redaction.text(str(error))[:REASON_CHARS]}"
            log.warning("notifier failed", notification=notice.event, reason=reason)
            failed.append(reason)
        else:
            log.info("notifier called", notification=notice.event, notifier=one["notifier"])
    return failed


def _alone(
    one: Mapping[str, Any], notice: Notice, context: Mapping[str, Any], result: Path, line: SupervisorLine
) -> None:
    processes.adopt_orphans()
    others = processes.descendants()
    pid = function.fork(lambda: call(one, notice, context), result=result, line=line, clean=redaction.json_text)
    try:
        code = processes.wait(pid, SECONDS)
    finally:
        processes.kill_all(keep=others)
    if code is None:
        raise SubtaskError(f"it did not end within {SECONDS:g} s and was killed")
    function.read(result, code)


def call(one: Mapping[str, Any], notice: Notice, context: Mapping[str, Any]) -> None:
    """Create the notifier and call it, in this process. Raises SpecError for a class that is not a notifier."""
    kind = notifier_class(one["notifier"])
    values = notice.values()
    notifier = kind(**arguments(kind, one.get("args", {}), values))
    whole: Any = {**context, "mcp": values}
    if kind.notify is BaseNotifier.notify:  # it has only the asynchronous form
        notifier.context = whole
        asyncio.run(_awaited(notifier))
    else:
        notifier(whole)


async def _awaited(notifier: BaseNotifier) -> None:
    await notifier


def notifier_class(reference: str) -> type[BaseNotifier]:
    """Import a notifier; raises SpecError if that is not possible, or if it is not a subclass of BaseNotifier."""
    try:
        kind = resolve(reference)
    except SpecError:
        raise
    except Exception as error:
        raise SpecError(f"{reference}: cannot be imported: {type(error).__name__}: {error}") from error
    if not isinstance(kind, type) or not issubclass(kind, BaseNotifier):
        raise SpecError(f"{reference} is not a notifier; expected a subclass of airflow.sdk.BaseNotifier")
    return kind


def arguments(kind: type[BaseNotifier], args: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of the notifier: ``args``, and the message in parameters that ``args`` does not set.

    The message is a template where the notifier renders the parameter. Else it is the text itself: the notifier uses it
    as it is.
    """
    known = inspect.signature(kind).parameters
    more = {
        name: default.value if name in kind.template_fields else _filled(default.value, values)
        for name, default in DEFAULTS.items()
        if name in known and name not in args and not default.instead & args.keys()
    }
    return {**more, **_plain(args)}


def _filled(value: str | Mapping[str, str], values: Mapping[str, Any]) -> Any:  # noqa: ANN401 - as ``value``
    if isinstance(value, str):
        return values[value.removeprefix("{{ mcp.").removesuffix(" }}")]
    return {name: _filled(one, values) for name, one in value.items()}


def _plain(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """Return mutable values: those of a spec are frozen, and a notifier may change what it gets."""
    if isinstance(value, Mapping):
        return {name: _plain(one) for name, one in value.items()}
    return [*map(_plain, value)] if isinstance(value, list | tuple) else value
