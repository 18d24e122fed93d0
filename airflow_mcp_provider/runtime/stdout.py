"""What a command printed, and what that says: a result, or the payloads of a plan.

Runs beside the command. Its output arrives line by line. Nothing that was printed counts as nothing: it is a result, a
list of payloads, text for the log, or an error.

Bytes that are no UTF-8 stand in the lines as Python's ``surrogateescape`` has them: nobody takes them for what was
meant.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NoReturn, Protocol, TypeAlias

from airflow_mcp_provider.errors import InvalidPayload, McpError, SubtaskError
from airflow_mcp_provider.runtime import redaction
from airflow_mcp_provider.runtime.json_values import once_each

RESULT = "MCP_RESULT"
INVALID = "InvalidResult"
"""What ``retries.never_on`` and ``only_on`` may name."""
MOST_CHARS = 1_100_000
"""Of one line that is kept: more than any result may have."""
PLAN_CHARS = 1_000_000
"""Of all lines that a plan may print."""
SHOWN_CHARS = 80
_JSON_BLANK = " \t\r\n"
_DIGITS = 25
"""More than 64 bits have."""


class Printed(Protocol):
    """Reads what a command printed."""

    def line(self, text: str, *, whole: bool) -> None:
        """Take the next line of stdout; not ``whole``: its beginning is lost, because it was too long."""

    def result(self) -> Any:  # noqa: ANN401 - any JSON
        """Return what the lines say; raises SubtaskError or InvalidPayload when they say nothing clear."""

    def of_file(self, text: str) -> Any:  # noqa: ANN401 - any JSON
        """Return what the file ``$MCP_RESULT`` says; raises likewise."""


Reader: TypeAlias = Callable[[], Printed]


class LastLine:
    """The result of a subtask or a report: the last line that is not blank, where it is JSON."""

    def __init__(self) -> None:
        self._text = ""
        self._whole = True

    @property
    def text(self) -> str:
        """The line for people to read."""
        return readable(self._text)

    def line(self, text: str, *, whole: bool) -> None:
        """See ``Printed``."""
        if text.strip() or not whole:
            self._text, self._whole = text, whole

    def result(self) -> Any:  # noqa: ANN401 - any JSON
        """See ``Printed``."""
        return of_last_line(self.whole_text())

    def whole_text(self) -> str:
        """Return the last line; raises SubtaskError when it was too long to be kept."""
        if not self._whole:
            raise SubtaskError(
                f"the last line of stdout has more than {MOST_CHARS} characters: no result can be read from it; "
                f"write the result to ${RESULT}, or end the output with a line break",
                kinds=(INVALID,),
            )
        return self._text

    def of_file(self, text: str) -> Any:  # noqa: ANN401 - any JSON
        """See ``Printed``."""
        return of_result_file(text)


class PlanLines:
    """The payloads of a plan, as ``{"payloads": […]}``; text that is none is returned as ``{"text": …}``.

    They are a list in the last line, or a JSON object or string in each line: a number is a count more often than a
    payload. Whether text is an error is for ``payloads`` to say: a plan that writes its subtasks to ``$MCP_ENQUEUE``
    may print what it likes.
    """

    def __init__(self) -> None:
        self._last = LastLine()
        self._lines: list[str] = []
        self._lists = self._chars = 0
        self._kept = True

    def line(self, text: str, *, whole: bool) -> None:
        """See ``Printed``."""
        self._last.line(text, whole=whole)
        if whole and not text.strip():
            return
        self._chars += len(text)
        self._lists += _is_list(text)
        self._kept = self._kept and whole and self._chars <= PLAN_CHARS
        if self._kept:
            self._lines.append(text)

    def result(self) -> dict[str, Any]:
        """See ``Printed``."""
        last = self._last.whole_text()
        if self._lists == 1 and _is_list(last):
            return {"payloads": of_last_line(last)}
        values = [_json_or_none(line) for line in self._lines] if self._kept else [None]
        if all(map(_is_payload, values)):
            return {"payloads": values}
        if self._kept and [line.strip(_JSON_BLANK) for line in self._lines] == ["null"]:
            return {"payloads": []}
        if not self._kept:
            return {"text": f"more than {PLAN_CHARS} characters"}
        wrong = (line for line, value in zip(self._lines, values, strict=False) if not _is_payload(value))
        return {"text": redaction.text(readable(next(wrong, last)))[:SHOWN_CHARS]}

    def of_file(self, text: str) -> dict[str, Any]:
        """See ``Printed``."""
        value = of_result_file(text)
        if not isinstance(value, list):
            given = redaction.shown(text, SHOWN_CHARS)
            raise InvalidPayload(f"the plan wrote {given} to ${RESULT}; expected a JSON list of payloads")
        return {"payloads": value}


def payloads(found: dict[str, Any], *, enqueued: bool) -> list[Any]:
    """Return the payloads that a plan printed; ``enqueued``: it has written some to ``$MCP_ENQUEUE``.

    Raises InvalidPayload when it printed something else, and enqueued nothing.
    """
    if "text" in found and not enqueued:
        raise InvalidPayload(
            f"the plan printed a line that is no subtask: {found['text']!r}; expected a JSON list in the last line "
            f"([] for nothing to do), or in each line a JSON object or string (as jq -c prints it), at most "
            f"{PLAN_CHARS} characters in all. A plan may write objects to $MCP_ENQUEUE, without a limit, "
            "and messages to stderr"
        )
    given: list[Any] = found.get("payloads", [])
    return given


def _is_list(text: str) -> bool:
    """Whether the line is a list, be it one that cannot be read: ``result`` says so."""
    try:
        return text.lstrip().startswith("[") and isinstance(of_last_line(text), list)
    except McpError:
        return True


def _is_payload(value: object) -> bool:
    return isinstance(value, dict | str)


def of_result_file(text: str) -> Any:  # noqa: ANN401 - any JSON
    """Return what a result file says; raises SubtaskError when that is no JSON."""
    try:
        return _json(text, f"${RESULT}")
    except ValueError as error:
        shown = redaction.shown(readable(text))
        raise SubtaskError(f"${RESULT} holds no JSON ({error}): {shown}", kinds=(INVALID,)) from None


def of_last_line(line: str) -> Any:  # noqa: ANN401 - any JSON
    """Return what a line of stdout says, where it is JSON; raises SubtaskError for JSON that cannot be read."""
    try:
        return _json(line, "the last line of stdout")
    except ValueError:
        _refuse_almost(line)
        return None


def _refuse_almost(line: str) -> None:
    """Refuse what is meant for JSON and is none: it is no text for the log either."""
    with suppress(ValueError, RecursionError):
        if isinstance(json.loads(line), dict | list):  # Python's own JSON has them, and nobody else's
            raise SubtaskError("the last line of stdout has NaN or Infinity, which JSON has not", kinds=(INVALID,))
    if line.lstrip().startswith('{"') or line.strip() in {"}", "]", "}]"}:
        shown = redaction.shown(readable(line))
        raise SubtaskError(
            f"the last line of stdout is a part of JSON; given {shown}; "
            "expected all of it in one line (as jq -c prints it)",
            kinds=(INVALID,),
        )


def _json_or_none(line: str) -> Any:  # noqa: ANN401 - any JSON
    try:
        return of_last_line(line)
    except McpError:
        return None


def _json(text: str, place: str) -> Any:  # noqa: ANN401 - any JSON
    try:
        value = json.loads(
            text.removeprefix("\ufeff"), object_pairs_hook=once_each, parse_constant=_no_constant, parse_int=_integer
        )
    except RecursionError:
        raise SubtaskError(f"{place} is JSON nested too deeply to be read", kinds=(INVALID,)) from None
    if readable(text) != text:
        given = redaction.shown(readable(text))
        raise SubtaskError(f"{place} is JSON with bytes that are no UTF-8; given {given}", kinds=(INVALID,))
    return value


def _integer(text: str) -> int:
    """Python refuses thousands of digits as it refuses what is no JSON; so many are too large, however they go on."""
    return int(text[:_DIGITS])


def readable(text: str) -> str:
    """Return ``text`` with U+FFFD for each byte that is no UTF-8."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _no_constant(name: str) -> NoReturn:
    """NaN and Infinity are words, no JSON."""
    raise ValueError(name)
