"""The keys of Airflow's task state store under which runner and API server exchange requests, answers and rows.

A runner writes a request with Airflow's public accessor; the backend of the plugin answers in the API server
(``request_types`` and ``answer_types``). A server without the plugin stores the request and answers nothing: that
is how a runner notices.
"""

from __future__ import annotations

import hashlib

ENQUEUE = "mcp.enqueue"
"""Request of plan and of subtasks: add subtasks. Answered in ``ANSWER``."""
DONE = "mcp.done"
"""Request of a subtask whose step has a next one: it succeeded, and continues there. Answered in ``ANSWER``."""
NEXT = "mcp.next"
"""Request of the runner of a batch: how the subtask in hand ended, and which is next. Answered in ``ANSWER``."""
GO_ON = "mcp.go_on"
"""Request of the runner of a batch: the subtask in hand succeeded, and the runner begins the one that was announced.
There is no answer; the call fails where the server's state differs, and has changed nothing then."""
BATCH = "mcp.batch"
"""Row of a task instance that serves a batch: how far each of its subtasks is (``plugin.growth.batch_state``)."""
CALL = "mcp.call"
"""Request of a subtask that is a run of another job: the state of that run. Answered in ``ANSWER``."""
CALLED = "mcp.called"
"""Row of such a subtask: which run it has, and since when."""
CONFIRM = "mcp.confirm"
"""Request of report: whether every subtask has ended. Answered in ``ANSWER``."""
ANSWER = "mcp.answer"
"""Row of the runner that asked, written in the transaction that did what was asked."""
ANSWER_TO = "mcp.answer."
"""Read by a runner, followed by the ``call`` of its request: ``ANSWER``, if that is the answer to this call."""
ITEM = "mcp.item"
"""Row of a subtask: see ``messages.Item``."""
CONTINUED = "mcp.continued"
"""Row of a subtask that succeeded and continues in the next step: the life of its task instance in which it did."""
FINAL = "mcp.final"
"""Row of a subtask whose last attempt failed: the number of that attempt."""
CALLER = "mcp.caller"
"""Row of plan, in a run that was made for a subtask: the subtask's place."""
OUTCOME = "mcp.outcome"
"""Row of a subtask: what its latest attempt ended with."""
OUTCOMES = "mcp.outcomes."
"""Read by report, followed by a place (``step.index``, both counted): a page of all outcomes; there is no such row."""
TALLY = "mcp.tally."
"""Read by report, followed by a place: a page's outcomes counted by how their subtasks ended; there is no such row."""
FIRST_PAGE = "0.0"
VERDICT = "mcp.verdict"
"""Written by report: becomes the run's note."""
RUN = "mcp.run"
"""Row of plan: how many subtasks there are, and within which limits (``plugin.growth.run_state``)."""
KEY = "mcp.key."
"""Rows of plan, followed by a subtask's key: its map index in each step that it has reached."""
PLACES = ".places"
"""Follows a later step's name: the task whose list Airflow maps that step over, as it maps the first over plan's."""
DAMAGED = "damaged"
"""The reason of an answer 409: a row of the state store is damaged, and a further try would meet the same."""
MALFORMED = "malformed"
"""The reason of an answer 422: the request has another form than ``request_types`` has for its key."""
GRACE = "mcp.grace"
"""Read by a runner that is asked to end: the seconds in which its work may clean up, because the run was cancelled."""
NOTIFIED = "notified"
"""Key of an XCom of the report: ``{"event": "failure", "failed": [reasons]}``, when it has called the notifiers."""
SPEC = "mcp.spec"
"""Read by a runner whose file has not the spec of its run: the text of that spec (``spec.version``). No such row."""
PROGRESS = "progress"
"""Row of a subtask, written for people: ``{"fraction": 0.5, "message": "…"}``."""
POD = "pod"
"""Row of any task, written by the scheduler for people: why its pod does not start, or is gone (``plugin.pods``)."""
OOMS = "mcp.ooms"
"""Row of a subtask: the attempts whose memory ran out."""
SHOWN_TO_PEOPLE = frozenset({OUTCOME, PROGRESS, POD})
"""Rows that people read: they hold no secret that is known where they are written (``redaction``)."""

ROW_KEY_CHARS = 400
"""The store's key column has 512 characters; longer subtask keys are stored by their hash."""


def row_key(key: str) -> str:
    """Name of the row that holds the map index of ``key``: readable where the column allows it."""
    plain = len(key) <= ROW_KEY_CHARS and key.isprintable() and not key.startswith("sha256:")
    return KEY + (key if plain else f"sha256:{hashlib.sha256(key.encode()).hexdigest()}")
