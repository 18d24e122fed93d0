"""The document of a run as bytes: made once, in the thread that has read it, and sent to all clients as it is.

There are two: one for users who may read XComs, and one without what the report has returned or raised.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from airflow_mcp_provider.client.models import Run, RunState
from airflow_mcp_provider.plugin.db.tables import create_session
from airflow_mcp_provider.plugin.status import run_documents
from airflow_mcp_provider.plugin.status.reasons import REPORT_FAILED

HIDDEN = "report failed; the error is an XCom, and the user has no permission to read XComs of the job"


@dataclass(frozen=True, slots=True)
class Text:
    """A document as JSON, with its entity tag: the same as long as nothing has changed."""

    body: bytes
    tag: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A run at one time. ``ended_ms``: when it ended, in milliseconds since 1970; 0 for one that has not."""

    state: RunState
    position: int | None
    ended_ms: int
    whole: Text
    hidden: Text

    @property
    def done(self) -> bool:
        """Whether the run has ended."""
        return self.state.done

    @property
    def size(self) -> int:
        """How many bytes it needs."""
        return len(self.whole.body) + (0 if self.hidden is self.whole else len(self.hidden.body))

    def text(self, *, may_see: bool) -> Text:
        """Return the document for a user; ``may_see``: the user may read XComs."""
        return self.whole if may_see else self.hidden


def look(job: str, run_id: str) -> Run | None:
    """Return the document of a run; None where it does not exist."""
    with create_session(scoped=False) as session:
        return run_documents.document(session, job, run_id)


def of(run: Run) -> Snapshot:
    """Return the bytes of a document."""
    whole, bare = _text(run), without_xcoms(run)
    ended = int(run.ended.timestamp() * 1000) if run.ended and run.done else 0
    return Snapshot(run.state, run.position, ended, whole, whole if bare is run else _text(bare))


def without_xcoms(run: Run) -> Run:
    """Return a document without the XComs of its report: the result, and the error that the report has raised."""
    raised = run.error is not None and run.error.code == REPORT_FAILED
    if run.result is None and not raised:
        return run
    error = run.error.model_copy(update={"text": HIDDEN}) if run.error and raised else run.error
    return run.model_copy(update={"result": None, "error": error})


def _text(run: Run) -> Text:
    body = run.model_dump_json().encode()
    # Weak: Airflow may compress the response.
    return Text(body, f'W/"{hashlib.sha256(body).hexdigest()[:32]}"')
