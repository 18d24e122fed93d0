"""The words that runner and API server exchange, and the limits that both hold them to.

Each is a key of Airflow's task state store. The runner writes them with its public accessor; the backend of
the plugin answers in the API server. A server without the plugin stores them and answers nothing: that is
how a runner notices.
"""

from __future__ import annotations

import hashlib

ENQUEUE = "mcp.enqueue"
"""Set by plan and by subtasks: a batch of children; answered in ``ANSWER``."""
DONE = "mcp.done"
"""Set by a subtask whose step has a next one: its outcome, and that it goes on there; answered in ``ANSWER``."""
NEXT = "mcp.next"
"""Set by the runner of a batch: what the subtask in hand ended with, and which is the next? Answered in ``ANSWER``."""
GO_ON = "mcp.go_on"
"""Set by the runner of a batch: the subtask in hand ended well, and it begins the one that it was told to be next.
Nothing is answered; the call fails where the server has it otherwise, and has changed nothing then."""
BATCH = "mcp.batch"
"""Row of a task instance that serves a batch: how far each of its subtasks is (``plugin.growth.batch_state``)."""
CALL = "mcp.call"
"""Set by a subtask that is a run of another job: how far is it? Answered in ``ANSWER``."""
CALLED = "mcp.called"
"""Row of such a subtask: which run it has, and since when."""
CONFIRM = "mcp.confirm"
"""Set by report: is every subtask there and ended? Answered in ``ANSWER``."""
ANSWER = "mcp.answer"
"""Row of the caller, written in the transaction that did what was asked."""
ANSWER_TO = "mcp.answer."
"""Read by a runner, followed by the call that it asked with: ``ANSWER``, if that is the answer to this call."""
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
"""Read by report, followed by a place (``step.index``, both counted): a page of all outcomes; no row stands there."""
TALLY = "mcp.tally."
"""Read by report, followed by a place: how many outcomes a page has, by how their subtasks ended; no row is there."""
FIRST_PAGE = "0.0"
VERDICT = "mcp.verdict"
"""Set by report: becomes the run's note."""
RUN = "mcp.run"
"""Row of plan: how many subtasks are reserved, and within which limits."""
KEY = "mcp.key."
"""Rows of plan, followed by a subtask's key: its map index in each step that it has reached."""
PLACES = ".places"
"""Follows a later step's name: the task whose list Airflow maps that step over, as it maps the first over plan's."""
DAMAGED = "damaged"
"""The reason of an answer 409: a row of the state store is damaged, and a further try would meet the same."""
MALFORMED = "malformed"
"""The reason of an answer 422: the request has another form than ``requests`` has for its key."""
PROGRESS = "progress"
"""Row of a subtask, written for people: ``{"fraction": 0.5, "message": "…"}``."""
POD = "pod"
"""Row of any task, written by the scheduler for people: why its pod does not start, or is gone (``plugin.pods``)."""
OOMS = "mcp.ooms"
"""Row of a subtask: the attempts whose memory ran out."""
TOLD = frozenset({OUTCOME, PROGRESS, POD})
"""Rows that tell people something: they hold no secret that is known where they are written (``redaction``)."""

MAX_PAYLOAD_BYTES = 32_768
MAX_RESULT_BYTES = 65_535
MAX_REPORT_BYTES = 1_000_000
MAX_KEY_CHARS = 2_000
FAILURES = 20
"""So many failures are told of in a run's result."""
BATCH_CHILDREN = 500
BATCH_BYTES = 1_000_000
"""One call carries at most this much: it must end within ``[workers] execution_api_timeout`` (5 s by default)."""
LABEL_CHARS = 250
"""Of the column that holds a mapped instance's label: the key, cut."""
ROW_KEY_CHARS = 400
"""The store's key column has 512 characters; longer subtask keys are stored by their hash."""


def row_key(key: str) -> str:
    """Name of the row that holds the map index of ``key``: readable where the column allows it."""
    plain = len(key) <= ROW_KEY_CHARS and key.isprintable() and not key.startswith("sha256:")
    return KEY + (key if plain else f"sha256:{hashlib.sha256(key.encode()).hexdigest()}")
