"""The trigger in an event loop, with the answers that Airflow's triggerer would give."""

import asyncio
import json
from contextlib import aclosing
from pathlib import Path

import greenback
import pytest
from airflow.sdk import Asset
from airflow.sdk.exceptions import ErrorType
from airflow.sdk.execution_time import task_runner
from airflow.sdk.execution_time.comms import (
    AssetStateStoreResult,
    DeleteAssetStateStoreByName,
    DRCount,
    ErrorResponse,
    GetAssetStateStoreByName,
    GetDRCount,
    OKResponse,
    SetAssetStateStoreByName,
)
from airflow.sdk.execution_time.context import AssetStateStoreAccessors

from airflow_mcp_provider.trigger import checker, queue, source
from airflow_mcp_provider.trigger import watch as watch_module
from airflow_mcp_provider.trigger.status import KEY, MESSAGE_KEY
from airflow_mcp_provider.trigger.watch import WatchTrigger
from tests.sizes import patient

FOLDER = Path(__file__).parent / "checked"
LONG = patient(60)


class Triggerer:
    """Answers the requests of a trigger: numbers of runs and the asset state store."""

    def __init__(self):
        self.active = self.ended = 0
        self.store = {}
        self.broken = False
        self.writes = self.counted = 0

    async def asend(self, message):
        await asyncio.sleep(0)
        if self.broken:
            return ErrorResponse(error=ErrorType.API_SERVER_ERROR, detail={"message": "down"})
        match message:
            case GetDRCount():
                self.counted += 1
                return DRCount(count=self.active + (0 if message.states else self.ended))
            case GetAssetStateStoreByName():
                if message.key in self.store:
                    return AssetStateStoreResult(value=self.store[message.key])
                return ErrorResponse(error=ErrorType.ASSET_STORE_NOT_FOUND)
            case SetAssetStateStoreByName():
                self.writes += 1
                self.store[message.key] = message.value
                return OKResponse(ok=True)
            case DeleteAssetStateStoreByName():
                self.store.pop(message.key, None)
                return OKResponse(ok=True)
        raise AssertionError(message)


@pytest.fixture
def triggerer(monkeypatch):
    made = Triggerer()
    monkeypatch.setattr(task_runner, "SUPERVISOR_COMMS", made, raising=False)
    monkeypatch.setattr(source, "POLL", 0.02)
    monkeypatch.setattr(source, "dag_folders", lambda: (str(FOLDER),))
    checker.checker.cache_clear()
    return made


@pytest.fixture
def work(tmp_path):
    """A file that a command looks at: work is pending when it is there."""
    return tmp_path / "work"


def watch(check, every=0.1):
    trigger = WatchTrigger(job="job", check=json.dumps(check), every=every, timeout=LONG)
    trigger.asset_state_store = AssetStateStoreAccessors(inlets=[Asset("job job has work")])
    return trigger


def look(work):
    return {"command": ["sh", "-c", f"echo x >> {work}.looks; test -e {work} || exit 0; echo '{{\"n\": 1}}'"]}


def looks(work):
    file = Path(f"{work}.looks")
    return len(file.read_text().split()) if file.exists() else 0


def runs_until(trigger, condition):
    """Run the trigger until the condition holds; it must emit no event."""

    async def run():
        async with aclosing(trigger.run()) as events:
            event = asyncio.create_task(anext(events))
            async with asyncio.timeout(LONG):
                while not condition():
                    assert not event.done(), event
                    await asyncio.sleep(0.02)
            event.cancel()
            await asyncio.gather(event, return_exceptions=True)

    asyncio.run(run())


def test_the_arguments_are_scalars_that_make_the_same_trigger():
    trigger = watch({"python": "a:b"})
    path, arguments = trigger.serialize()
    assert path == "airflow_mcp_provider.trigger.watch.WatchTrigger"
    assert WatchTrigger(**arguments).serialize() == (path, arguments)
    assert all(isinstance(value, str | int | float) for value in arguments.values())


def test_no_event_without_work(triggerer, work):
    runs_until(watch(look(work)), lambda: looks(work) >= 4)
    assert triggerer.store[KEY]["pending"] is False
    assert triggerer.store[KEY]["error"] is None
    assert triggerer.writes == 1, "a status that stays the same is not written after each check"


def test_one_event_then_none_as_long_as_a_run_is_active(triggerer, work):
    work.touch()

    async def one_after_the_other():
        async with aclosing(watch(look(work)).run()) as events:
            payload = (await anext(events)).payload
            assert payload["mcp.conf"] == {"n": 1}
            second = asyncio.create_task(anext(events))
            await asyncio.sleep(0.3)
            before = looks(work)
            assert not second.done(), "it waits for the run"
            triggerer.active = 1
            await asyncio.sleep(0.5)
            assert not second.done()
            assert looks(work) == before, "there are no checks beside a run"
            triggerer.active, triggerer.ended = 0, 1
            return (await asyncio.wait_for(second, LONG)).payload

    assert asyncio.run(one_after_the_other())["mcp.conf"] == {"n": 1}


def test_no_event_when_a_run_began_during_the_check(triggerer, work):
    work.touch()
    triggerer.active = 1

    runs_until(watch(look(work)), lambda: triggerer.counted >= 10)
    assert looks(work) == 1
    assert triggerer.store[KEY]["pending"] is True


def test_the_event_is_repeated_where_no_run_appears(triggerer, work, monkeypatch):
    monkeypatch.setattr(source, "RUN_APPEARS", 0.1)
    work.touch()

    async def twice():
        async with aclosing(watch(look(work)).run()) as events:
            await anext(events)
            return (await asyncio.wait_for(anext(events), LONG)).payload

    assert asyncio.run(twice())["mcp.conf"] == {"n": 1}


def test_errors_are_stored_and_waits_grow(triggerer):
    failing = watch({"command": ["sh", "-c", "echo broken >&2; exit 1"]})
    runs_until(failing, lambda: triggerer.store.get(KEY))
    status = triggerer.store[KEY]
    assert status["error"] == "the command failed: exit code 1: broken"
    assert status["failures"] == 1


def test_a_server_that_does_not_answer_ends_no_trigger(triggerer, work):
    work.touch()
    triggerer.broken = True

    async def later():
        async with aclosing(watch(look(work)).run()) as events:
            first = asyncio.create_task(anext(events))
            await asyncio.sleep(0.7)
            assert not first.done()
            triggerer.broken = False
            return (await asyncio.wait_for(first, LONG)).payload

    assert asyncio.run(later())["mcp.conf"] == {"n": 1}


def test_the_failures_of_an_earlier_triggerer_count(triggerer):
    runs_until(watch({"command": ["false"]}), lambda: triggerer.store.get(KEY))
    first = triggerer.store.pop(KEY)
    triggerer.store[KEY] = {**first, "failures": 7}
    runs_until(watch({"command": ["false"]}), lambda: triggerer.store[KEY]["failures"] > 7)


class Queue:
    """A trigger of a provider: it ends after each message, as that of Redis does."""

    def __init__(self, messages):
        self.messages = messages
        self.asked = 0

    async def run(self):
        self.asked += 1
        if not self.messages:
            await asyncio.sleep(600)
        message = self.messages.pop(0)
        if isinstance(message, Exception):
            raise message
        yield watch_module.TriggerEvent(message)


def test_each_message_starts_a_run_when_the_one_before_has_ended(triggerer, monkeypatch):
    inner = Queue(["first", "second"])
    monkeypatch.setattr(queue, "message_trigger", lambda _: inner)

    async def messages():
        async with aclosing(watch({"queue": "redis+pubsub", "args": {}}).run()) as events:
            first = (await asyncio.wait_for(anext(events), LONG)).payload
            assert triggerer.store[MESSAGE_KEY] == {"message": "first"}, "a triggerer that is killed has it again"
            second = asyncio.create_task(anext(events))
            triggerer.active = 1
            await asyncio.sleep(0.5)
            assert MESSAGE_KEY not in triggerer.store or triggerer.store[MESSAGE_KEY] == {"message": "second"}
            assert not second.done()
            triggerer.active, triggerer.ended = 0, 1
            return [first, (await asyncio.wait_for(second, LONG)).payload]

    assert asyncio.run(messages()) == [{"mcp.conf": {"message": "first"}}, {"mcp.conf": {"message": "second"}}]


class HookedQueue(Queue):
    """A trigger of a provider whose hook asks Airflow for its connection by a synchronous call, as that of Redis does."""

    async def run(self):
        yield watch_module.TriggerEvent(greenback.await_(asyncio.sleep(0, "the connection")))


def test_the_trigger_of_a_queue_may_read_its_connection(triggerer, monkeypatch):
    monkeypatch.setattr(queue, "message_trigger", lambda _: HookedQueue([]))

    async def first():
        await greenback.ensure_portal()  # as Airflow's triggerer does
        async with asyncio.timeout(LONG), aclosing(watch({"queue": "redis+pubsub", "args": {}}).run()) as events:
            return (await anext(events)).payload  # in the same task, which wait_for does not do

    assert asyncio.run(first()) == {"mcp.conf": {"message": "the connection"}}


def test_a_message_that_was_received_by_a_killed_triggerer_starts_a_run(triggerer, monkeypatch):
    triggerer.store[MESSAGE_KEY] = {"message": "held"}
    monkeypatch.setattr(queue, "message_trigger", lambda _: Queue([]))

    async def first():
        async with aclosing(watch({"queue": "sqs", "args": {}}).run()) as events:
            return (await asyncio.wait_for(anext(events), LONG)).payload

    assert asyncio.run(first()) == {"mcp.conf": {"message": "held"}}


def test_a_message_is_kept_as_long_as_it_has_no_run(triggerer, monkeypatch):
    """A scheduler may be down for longer than the trigger waits."""
    monkeypatch.setattr(queue, "RUN_APPEARS", 0.1)
    monkeypatch.setattr(queue, "message_trigger", lambda _: Queue(["first", "second"]))

    async def messages():
        async with aclosing(watch({"queue": "sqs", "args": {}}).run()) as events:
            sent = [(await asyncio.wait_for(anext(events), LONG)).payload for _ in range(2)]
            assert triggerer.store[MESSAGE_KEY] == {"message": "first"}
            triggerer.ended = 1  # while the trigger did not look
            return [*sent, (await asyncio.wait_for(anext(events), LONG)).payload]

    sent = [payload["mcp.conf"]["message"] for payload in asyncio.run(messages())]
    assert sent == ["first", "first", "second"]


def test_a_queue_that_fails_is_asked_again(triggerer, monkeypatch):
    inner = Queue([ConnectionError("refused"), "x" * 100_000, "fine"])
    monkeypatch.setattr(queue, "message_trigger", lambda _: inner)

    async def first():
        async with aclosing(watch({"queue": "sqs", "args": {}}).run()) as events:
            return (await asyncio.wait_for(anext(events), LONG)).payload

    assert asyncio.run(first()) == {"mcp.conf": {"message": "fine"}}


def test_a_queue_without_its_provider_is_an_error_that_is_shown(triggerer):
    runs_until(watch({"queue": "no-such", "args": {}}), lambda: triggerer.store.get(KEY))
    assert triggerer.store[KEY]["error"]
