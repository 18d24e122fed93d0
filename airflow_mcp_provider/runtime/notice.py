"""What a notification says about a run, and its default texts.

Made in the runner of a report, or in the scheduler; rendered where the notifier is called. Data (keys, errors, reasons)
never becomes syntax: ``Notice.message`` has it in a form without effect in Markdown, HTML and Slack's markup.
"""

from __future__ import annotations

import html
from typing import Any, Literal
from urllib.parse import quote

import msgspec

from airflow_mcp_provider.runtime import markdown, redaction
from airflow_mcp_provider.runtime.answer_types import FailedSubtask
from airflow_mcp_provider.runtime.messages import Message
from airflow_mcp_provider.spec import printable

Event = Literal["failure", "success", "partial", "late"]
ERRORS = 3
"""The first failures that a message lists."""
LINE_CHARS = 500
"""Of a reason or an error in a message."""
_INERT = str.maketrans({"<": "\N{SINGLE LEFT-POINTING ANGLE QUOTATION MARK}", ">": "\u203a", "&": "\uff06"})
"""Characters with a similar look: Slack reads ``<`` and ``&`` also in code, HTML reads them everywhere."""
_HEADS = {
    "failure": "failed",
    "success": "succeeded",
    "partial": "succeeded partly",
    "late": "is late",
}


class SubtaskCounts(Message, frozen=True, omit_defaults=False):
    """The subtasks of a run by how they ended; those that have not ended are in ``known`` only."""

    known: int
    succeeded: int
    failed: int
    skipped: int


class Notice(Message, frozen=True, kw_only=True):
    """One event of a run.

    ``state`` is that of the run's result, or ``running`` or ``queued``; ``reason`` is why, in one line. ``counts`` is
    None for a run that has not started. ``errors`` are the first failures. ``after`` is for ``late``: the limit that
    passed, in seconds.
    """

    event: Event
    job: str
    run: str
    state: str
    url: str
    reason: str = ""
    counts: SubtaskCounts | None = None
    errors: list[FailedSubtask] = msgspec.field(default_factory=list)
    after: float | None = None

    @property
    def subject(self) -> str:
        """One line of plain text."""
        return _line(f"{self.job} {_HEADS[self.event]} ({self.run})")

    @property
    def message(self) -> str:
        """Some lines of text, without effect in Markdown, HTML and Slack."""
        head = f"Job {_inert(self.job)} {_HEADS[self.event]}"
        first = f"{head}: {_inert(self.reason)}" if self.reason else head
        errors = [f"- {markdown.line(_plain(text))}" for text in self._errors()]
        return "\n".join([first, f"Run: {_inert(self.run)}", *self._counts(), *errors, self.url])

    @property
    def html(self) -> str:
        """The same as HTML."""
        link = f'<a href="{html.escape(self.url)}">{html.escape(_line(self.run))}</a>'
        reason = f": {html.escape(_line(self.reason))}" if self.reason else ""
        rows = "".join(f"<li><code>{html.escape(_line(text))}</code></li>" for text in self._errors())
        counts = "".join(f"<p>{text}</p>" for text in self._counts())
        head = f"<p><b>Job {html.escape(_line(self.job))} {_HEADS[self.event]}</b>{reason}</p>"
        return f"{head}<p>Run: {link}</p>{counts}{f'<ul>{rows}</ul>' if rows else ''}"

    def values(self) -> dict[str, Any]:
        """Return the values of ``mcp`` in templates: the fields, ``message``, ``subject`` and ``html``.

        They are masked: the process in which the notifier runs may know more secrets than the one that made them.
        """
        texts = {"message": self.message, "subject": self.subject, "html": self.html}
        fields = {"reason": "", "counts": None, "errors": [], "after": None, **msgspec.to_builtins(self)}
        masked: dict[str, Any] = redaction.value({**fields, **texts})
        return masked

    def _counts(self) -> list[str]:
        if self.counts is None:
            return []
        one = self.counts
        return [
            f"Subtasks: {one.known} known, {one.succeeded} succeeded, {one.failed} failed, {one.skipped} not started"
        ]

    def _errors(self) -> list[str]:
        return [f"{one.key}: {one.type}: {one.message}" for one in self.errors[:ERRORS]]


def run_url(base: str, job: str, run: str) -> str:
    """Return the address of a run in Airflow's UI; ``base`` is ``[api] base_url``."""
    return f"{base.rstrip('/')}/dags/{quote(job, safe='')}/runs/{quote(run, safe=':+')}"


def _line(text: str) -> str:
    return " ".join(printable(redaction.text(text)).split())[:LINE_CHARS]


def _plain(text: str) -> str:
    return _line(text).translate(_INERT)


def _inert(text: str) -> str:
    """Return data that other text of its line precedes: a digit does not begin a list there."""
    plain = _plain(text)
    return plain if markdown.is_plain(f"x {plain}") else markdown.code(plain)
