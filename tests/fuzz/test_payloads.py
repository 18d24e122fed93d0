"""Whatever a job's code hands on: carried to the letter, or refused as InvalidPayload."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest

from airflow_mcp_provider.errors import InvalidPayload, SubtaskError
from airflow_mcp_provider.runtime import calls
from airflow_mcp_provider.runtime.ipc_server import IpcServer
from airflow_mcp_provider.runtime.payload import Child, child_of
from tests.fuzz import deeds, made
from tests.fuzz.made import COUNT, cases
from tests.fuzz.runner import Ledger, done
from tests.fuzz.same import same
from tests.fuzz.wrong import Wrong


def carried(value: Any) -> Any:
    """Send it as a runner does: to its supervisor in msgpack, to the server and the database in JSON."""
    return json.loads(json.dumps(msgspec.msgpack.decode(msgspec.msgpack.encode(value)), allow_nan=False))


def stored(child: Child) -> bool:
    """Whether a database can hold the child."""
    text = json.dumps([child.key, child.payload], ensure_ascii=False)
    return bool(text.encode()) and "\0" not in child.key and "\\u0000" not in text.replace("\\\\", "")


def test_a_payload_is_carried_or_refused(wrong: Wrong) -> None:
    accepted = 0
    for case, random in cases("payload", 3 * COUNT):  # most of them are refused
        given = made.anything(random)
        key = made.text(random) if random.random() < 0.3 else None
        with wrong.of(case, (given, key)):
            try:
                child = child_of(given, key, None)
            except InvalidPayload:
                continue
            accepted += 1
            assert same(given, child.payload)
            assert same(child.payload, carried(child.payload))
            assert child.key == carried(child.key)
            assert stored(child)
    wrong.none()
    assert accepted > COUNT / 4


KEYS: dict[str, Callable[[Any, Any], dict[str, Any]]] = {
    "": lambda first, _: {"item": first},
    "a": lambda first, _: {"a": first},
    "{a}": lambda first, _: {"a": first},
    "{a}/{b}": lambda first, second: {"a": first, "b": second},
}


@pytest.mark.parametrize("key_field", KEYS)
def test_distinct_payloads_have_distinct_keys(key_field: str, wrong: Wrong) -> None:
    """The slash parts two values, so none of them has one."""
    found: dict[str, str] = {}
    for case, random in cases(f"key {key_field}"):
        payload = KEYS[key_field](unslashed(random), unslashed(random))
        with wrong.of(case, payload):
            try:
                child = child_of(payload, None, key_field or None)
            except InvalidPayload:
                continue
            text = json.dumps(child.payload, sort_keys=True)
            first = found.setdefault(child.key, text)
            assert text == first, f"{text} and {first} have the key {child.key!r}"
    wrong.none()
    assert len(found) > 10


def unslashed(random: Random) -> Any:
    scalar = made.scalar(random)
    return scalar.replace("/", "") if isinstance(scalar, str) else scalar


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


@pytest.fixture
def _door(tmp_path: Path, ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The way from a job's code to the server is open."""
    with IpcServer(tmp_path, ledger) as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        server.listen()
        yield


@pytest.mark.usefixtures("_door")
def test_enqueue_carries_or_refuses(ledger: Ledger, wrong: Wrong) -> None:
    """Through the socket, as a job's code calls it: never TryAgain, which would be retried in vain."""
    for case, random in cases("enqueue"):
        given = made.anything(random)
        with wrong.of(case, given):
            ledger.last = None
            try:
                calls.enqueue(given)
            except InvalidPayload:
                continue
            assert ledger.last is not None
            assert same(given, ledger.last.payload)
    wrong.none()


@pytest.mark.usefixtures("_door")
def test_progress_is_shown_or_refused(ledger: Ledger, wrong: Wrong) -> None:
    for case, random in cases("progress"):
        fraction, message = made.anything(random), made.anything(random)
        with wrong.of(case, (fraction, message)):
            try:
                calls.progress(fraction, message)
            except (InvalidPayload, TypeError, ValueError, OverflowError):  # the caller's own, in the caller's own code
                continue
            shown = ledger.shown[-1]
            assert same(list(shown), carried(shown))
            assert stored(Child("shown", {"message": shown[1]}))
    wrong.none()


def test_a_result_is_carried_or_refused(wrong: Wrong) -> None:
    """Of a function, through a real fork."""
    for case, _ in cases("result", COUNT // 3):
        given = deeds.returned(case)
        with wrong.of(case, given):
            try:
                got = done({"python": "tests.fuzz.deeds:give"}, {"case": case})
            except InvalidPayload:
                continue
            except SubtaskError as error:
                if not error.kinds[0].endswith(".InvalidPayload"):
                    raise
                continue
            assert same(given, got)
            assert same(got, carried(got))
    wrong.none()
