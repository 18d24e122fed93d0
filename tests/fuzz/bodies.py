"""What may come to the API server in a runner's name: its questions and rows, bent and torn."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from airflow_mcp_provider.runtime import store_keys
from tests.fuzz import made

OUTCOME: dict[str, Any] = {
    "attempt": 1,
    "started": "2026-01-01T00:00:00+00:00",
    "result": {"rows": 7},
    "error": {"type": "ValueError", "message": "x", "trace": "x"},
    "final": True,
}
FORMS: dict[str, Any] = {
    store_keys.ENQUEUE: {"children": [["a", {"item": "a"}], ["b", {"item": 2}, "held"]]},
    store_keys.DONE: {"outcome": {"attempt": 1, "result": 1}},
    store_keys.NEXT: {
        "tries": {"attempts": 2, "delay": 0.5, "backoff": 2.0, "max_delay": 60.0},
        "ended": {**OUTCOME, "place": 0},
        "fresh": True,
    },
    store_keys.GO_ON: {"ended": {**OUTCOME, "place": 0}, "begin": {"place": 1, "attempt": 1}},
    store_keys.CALL: {"job": "held", "conf": {"go": "x"}},
    store_keys.CONFIRM: {},
    store_keys.OUTCOME: OUTCOME,
    store_keys.ITEM: {"key": "1", "payload": {"item": 1}, "parent": None, "depth": 0, "results": {}, "done": 1},
    store_keys.BATCH: {"turns": {"0": {"status": "success", "attempt": 1}}, "life": 0},
    store_keys.CALLED: {"run": "manual__x", "since": "2026-01-01T00:00:00+00:00", "attempt": 1},
    "mcp.caller": {"run": 1, "dag": "held", "task": "run", "index": 0},
    store_keys.CONTINUED: 0,
    store_keys.FINAL: 1,
    store_keys.RUN: {"reserved": 5, "limit": 5, "depth": 5, "steps": []},
    store_keys.KEY + "1": {"run": 0},
    store_keys.ANSWER: {"call": "a.1", "new": 1},
    store_keys.VERDICT: {"note": "done"},
    store_keys.OOMS: [1, 2],
    store_keys.PROGRESS: {"fraction": 0.5, "message": "page 1"},
    store_keys.POD: {"reason": "x"},
    "a-key-of-a-user": {"a": [1]},
}
BEGIN: dict[str, Any] = {"begin": {"tolerate": "0", "steps": [{"name": "run", "limit": 5, "depth": 5, "wait": False}]}}
PAGES = ("0.0", "9.999999999", "0.1", "x", "-1.0", "0." + "9" * 30)
READ = (
    store_keys.ITEM,
    store_keys.OOMS,
    f"{store_keys.ANSWER_TO}a.1",
    store_keys.ANSWER_TO,
    *(f"{store_keys.OUTCOMES}{page}" for page in PAGES),
)
"""What our own runners read; what else somebody has put there, Airflow gives back as it is."""


@dataclass(frozen=True)
class Request:
    """One request to the state store of a task instance; without a key it is about all of them."""

    method: str
    key: str
    content: bytes = b""
    kind: str = "application/json"


def request(random: Random, number: int) -> Request:
    """What a runner sends, or nearly; ``number`` follows the name of its call."""
    kind = random.random()
    if kind < 0.1:
        return Request("GET", random.choice(READ))
    if kind < 0.15:
        return Request("DELETE", random.choice((*FORMS, "")))
    key = random.choice(list(FORMS))
    if kind < 0.25:
        return Request("PUT", key, _raw(random), random.choice(("application/json", "text/plain", "")))
    return Request("PUT", key, _written(_body(key, random, number), random))


def _body(key: str, random: Random, number: int) -> Any:
    body = json.loads(json.dumps(FORMS[key]))
    if isinstance(body, dict) and random.random() < 0.9:
        body["call"] = f"fuzz.{number}"
    if isinstance(body, dict) and random.random() < 0.05:
        body |= random.choice(_LARGE)()
    for _ in range(random.randrange(3)):
        body = made.changed(body, random, lambda _: made.value(random))
    wrapped: Any = {"value": body}
    return made.changed(wrapped, random, lambda _: made.value(random)) if random.random() < 0.1 else wrapped


_LARGE: tuple[Callable[[], dict[str, Any]], ...] = (
    lambda: BEGIN,
    lambda: {"call": "c" * 100_000},
    lambda: {"tries": {"attempts": -50, "delay": 1e308, "backoff": 1e300, "max_delay": 1e308}},
    lambda: {"ended": {"place": 10**30, "attempt": -1}},
    lambda: {"begin": {"tolerate": "t" * 100_000, "steps": [{"name": "run", "limit": -1, "depth": 10**30}] * 2_000}},
    lambda: {"results": {"run": made.nested(900)}},
    lambda: {"job": "j" * 100_000},
    lambda: {"children": [[f"{number}", {}] for number in range(5_000)]},
    lambda: {"children": [["a", {"item": made.nested(900)}]]},
    lambda: {"children": [["a", {"item": "x" * 1_000_000}]]},
    lambda: {"conf": {"go": "x" * 1_000_000}},
    lambda: {"outcome": {"attempt": 1, "result": "x" * 1_000_000}},
    lambda: {"message": "x" * 1_000_000},
)


def _written(body: Any, random: Random) -> bytes:
    text = json.dumps(body).encode()
    return text[: random.randrange(len(text))] if random.random() < 0.03 else text


def _raw(random: Random) -> bytes:
    """No JSON, or JSON that few readers take."""
    return random.choice(
        (
            lambda: random.randbytes(40),
            lambda: b"[" * 100_000,
            lambda: b'{"value": ' * 5_000 + b"1" + b"}" * 5_000,
            lambda: b'{"value": NaN}',
            lambda: b'{"value": {"call": "a.1", "depth": 1e400}}',
            lambda: b'{"value": ' + b"9" * 5_000 + b"}",
            lambda: b'{"value": "\xff"}',
            lambda: b'{"value": {"call": "\\ud800"}}',
            lambda: b'{"value": {"call": "\\u0000"}}',
            lambda: b'{"value": {"\\u0000": "\\udc00"}}',
            lambda: b"\xef\xbb\xbf{}",
            lambda: b"",
            lambda: b" " * 5_000_000,
        )
    )()
