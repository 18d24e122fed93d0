"""Read a result, or the payloads of a plan, from the stdout of a command.

Runs beside the command, whose output arrives line by line. All output has a meaning: it is a result, a list of
payloads, text for the log, or an error.

Bytes that are not UTF-8 are in the lines as Python's ``surrogateescape`` represents them, so that they are never
mistaken for other text.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NoReturn, Protocol, TypeAlias

from airflow_mcp_provider.errors import InvalidPayload, McpError, SubtaskError
from airflow_mcp_provider.runtime import redaction
from airflow_mcp_provider.runtime.json_values import reject_duplicates

RESULT = "MCP_RESULT"
INVALID = "InvalidResult"
"""The type of the error, for ``retries.never_on`` and ``only_on``."""
MOST_CHARS = 1_100_000
"""The longest line that is kept: more than the limit of any result."""
PLAN_CHARS = 1_000_000
"""The limit for all lines that a plan prints."""
SHOWN_CHARS = 80
_JSON_BLANK = " \t\r\n"
_DIGITS = 25
"""More digits than a 64-bit integer has."""


class Printed(Protocol):
    """Reads the output of a command."""

    def line(self, text: str, *, whole: bool) -> None:
        """Add the next line of stdout; not ``whole``: its beginning is lost, because it was too long."""

    def result(self) -> Any:  # noqa: ANN401 - any JSON
        """Return the result in the lines; raises SubtaskError or InvalidPayload when it cannot be read."""

    def of_file(self, text: str) -> Any:  # noqa: ANN401 - any JSON
        """Return the result in the file ``$MCP_RESULT``; raises the same errors."""


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
                f"the last line of stdout is too long for a result; expected at most {MOST_CHARS} characters: "
                f"write the result to ${RESULT}, or end the output with a line break",
                kinds=(INVALID,),
            )
        return self._text

    def of_file(self, text: str) -> Any:  # noqa: ANN401 - any JSON
        """See ``Printed``."""
        return of_result_file(text)


class PlanLines:
    """The payloads of a plan, as ``{"payloads": […]}``; other text is returned as ``{"text": "…"}``.

    The payloads are a list in the last line, or a JSON object or string in each line. A number in a line is not a
    payload, because it is usually a count. ``payloads`` decides whether text is an error: a plan that writes its
    subtasks to ``$MCP_ENQUEUE`` may print any text.
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
            raise InvalidPayload(f"invalid result of the plan {given} in ${RESULT}; expected a JSON list of payloads")
        return {"payloads": value}


def payloads(found: dict[str, Any], *, enqueued: bool) -> list[Any]:
    """Return the payloads that a plan printed; ``enqueued``: it wrote other payloads to ``$MCP_ENQUEUE``.

    ``found`` is the result of ``PlanLines``. Raises InvalidPayload for other text, unless ``enqueued``.
    """
    if "text" in found and not enqueued:
        raise InvalidPayload(
            f"invalid line {found['text']!r} in the output of the plan; expected a JSON list in the last line "
            f"([] for no subtasks), or a JSON object or string in each line (as jq -c prints it), at most "
            f"{PLAN_CHARS} characters in total. A plan may also write objects to $MCP_ENQUEUE, without a limit, "
            "and messages to stderr"
        )
    given: list[Any] = found.get("payloads", [])
    return given


def _is_list(text: str) -> bool:
    """Return whether the line is a list, or one that cannot be read, which ``result`` reports."""
    try:
        return text.lstrip().startswith("[") and isinstance(of_last_line(text), list)
    except McpError:
        return True


def _is_payload(value: object) -> bool:
    return isinstance(value, dict | str)


def of_result_file(text: str) -> Any:  # noqa: ANN401 - any JSON
    """Return the JSON value of a result file; raises SubtaskError for invalid JSON."""
    try:
        return _json(text, f"${RESULT}")
    except ValueError as error:
        shown = redaction.shown(readable(text))
        raise SubtaskError(f"invalid JSON in ${RESULT} ({error}): {shown}", kinds=(INVALID,)) from None


def of_last_line(line: str) -> Any:  # noqa: ANN401 - any JSON
    """Return the JSON value of a line of stdout, None for other text; raises SubtaskError for incomplete JSON."""
    try:
        return _json(line, "the last line of stdout")
    except ValueError:
        _refuse_almost(line)
        return None


def _refuse_almost(line: str) -> None:
    """Raise SubtaskError for a line that looks like JSON but is invalid."""
    with suppress(ValueError, RecursionError):
        if isinstance(json.loads(line), dict | list):  # only Python's own JSON has them
            raise SubtaskError("invalid JSON in the last line of stdout: NaN or Infinity", kinds=(INVALID,))
    if line.lstrip().startswith('{"') or line.strip() in {"}", "]", "}]"}:
        shown = redaction.shown(readable(line))
        raise SubtaskError(
            f"incomplete JSON {shown} in the last line of stdout; expected all of it in one line (as jq -c prints it)",
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
            text.removeprefix("\ufeff"),
            object_pairs_hook=reject_duplicates,
            parse_constant=_no_constant,
            parse_int=_integer,
        )
    except RecursionError:
        raise SubtaskError(f"JSON nested too deeply in {place}", kinds=(INVALID,)) from None
    if readable(text) != text:
        given = redaction.shown(readable(text))
        raise SubtaskError(f"invalid UTF-8 {given} in {place}; expected JSON in UTF-8", kinds=(INVALID,))
    return value


def _integer(text: str) -> int:
    """Parse only the first digits: Python raises ValueError for thousands, and so many are too large in any case."""
    return int(text[:_DIGITS])


def readable(text: str) -> str:
    """Return ``text`` with U+FFFD for each byte that is not UTF-8."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _no_constant(name: str) -> NoReturn:
    """Refuse NaN and Infinity, which are not JSON."""
    raise ValueError(name)
