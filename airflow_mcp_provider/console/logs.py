"""``mcp-jobs logs``."""

from __future__ import annotations

import json
from argparse import Namespace

from airflow_mcp_provider.client import LogLine
from airflow_mcp_provider.console import find, text
from airflow_mcp_provider.console.follow import come_back
from airflow_mcp_provider.console.screen import Screen

SHOWN = 20_000  # characters of a line


def logs(args: Namespace, program: str, default_url: str | None) -> int:
    """Print the lines of logs; for programs one document per line."""
    screen = Screen(args, program, default_url)
    name = find.subtask(screen.client, args.names)
    client = screen.patient if args.follow else screen.client
    lines = client.logs(name.job, name.run, name.key, step=args.step, attempt=args.attempt, follow=args.follow)
    try:
        for one in lines:
            print(_text(screen, one), flush=args.follow)  # noqa: T201 - the command's output
    except KeyboardInterrupt:
        screen.note(come_back(screen, name))
        return 130
    return 0


def _text(screen: Screen, one: LogLine) -> str:
    if screen.output == "table":
        return line(one)
    plain = one.model_dump(mode="json", exclude_none=True)
    return json.dumps(plain, ensure_ascii=False) if screen.output == "json" else screen.text(plain)


def line(one: LogLine) -> str:
    """Return a line for people: the time, the subtask, the level if it matters, the text."""
    when = "" if one.timestamp is None else f"{one.timestamp.astimezone():%H:%M:%S} "
    level = f"{one.level.upper()} " if one.level and one.level not in {"info", "debug"} else ""
    return f"{when}{text.clean(one.key or one.task, 60)} | {level}{_event(one)}{_cause(one)}"


def _event(one: LogLine) -> str:
    event = one.event if isinstance(one.event, str) else json.dumps(one.event, ensure_ascii=False)
    return "\n".join(text.clean(part, SHOWN) for part in event.split("\n"))


def _cause(one: LogLine) -> str:
    """Return the error that Airflow logs beside its text, of which the first is the one that was raised."""
    found = (one.model_extra or {}).get("error_detail")
    first = found[0] if isinstance(found, list) and found else None
    if not isinstance(first, dict):
        return ""
    return f": {text.clean(first.get('exc_type', ''), 100)}: {text.clean(first.get('exc_value', ''), SHOWN)}"
