"""The poller of a run: events, their ids, who gets them, and when it ends."""

import asyncio
import json
import threading
import time

import pytest

from airflow_mcp_provider.client.models import RunState
from airflow_mcp_provider.plugin.http_api import snapshots, watch
from airflow_mcp_provider.plugin.http_api.watch import Watches
from tests.sizes import patient
from tests.unit.plugin.http_api.conftest import document
from tests.unit.waiting import holds


class Looked:
    """A database whose run changes when a test changes it."""

    def __init__(self):
        self.run = document()
        self.looks = 0

    def __call__(self, *_):
        self.looks += 1
        if isinstance(self.run, Exception):
            raise self.run
        return self.run


@pytest.fixture
def looked(monkeypatch):
    monkeypatch.setattr(watch, "INTERVAL_S", 0.02)
    monkeypatch.setattr(watch, "FRESH_S", 0.0)
    monkeypatch.setattr(watch, "LINGER_S", 0.2)
    monkeypatch.setattr(watch, "COMMENT_S", 0.1)
    return Looked()


def note(event):
    return json.loads(event.run.whole.body)["note"]


def run(looked, test):
    async def main():
        watches = Watches(looked)
        try:
            return await asyncio.wait_for(test(watches), patient(60))
        finally:
            await watches.close()

    return asyncio.run(main())


async def follower(watches, last=0):
    """Return a client that has got its first event."""
    into = []
    task = asyncio.create_task(collected(watches, last, into))
    await holds(lambda: into)
    return task


async def another_look(looked):
    """Wait until the run was looked at in its present state."""
    before = looked.looks
    await holds(lambda: looked.looks > before + 1)


async def collected(watches, last=0, into=None):
    into = [] if into is None else into
    async for event in watches.follow(await watches.watch("j", "r"), last):
        if event is not None:
            into.append(event)
    return into


def test_changes_are_events_with_growing_ids_and_the_last_is_the_final_document(looked):
    async def test(watches):
        following = asyncio.create_task(collected(watches))
        for number in range(5):
            looked.run = document(note=str(number))
            await another_look(looked)
        looked.run = document(RunState.COMPLETED)
        return await following

    events = run(looked, test)
    assert [note(event) for event in events][-6:-1] == ["0", "1", "2", "3", "4"]
    assert [event.name for event in events] == ["progress"] * (len(events) - 1) + ["done"]
    ids = [event.id for event in events]
    assert ids == sorted(set(ids))
    assert [number % 2 for number in ids] == [0] * (len(ids) - 1) + [1], "the end is odd"


def test_a_client_that_is_cut_ten_times_misses_nothing(looked):
    async def test(watches):
        whole = asyncio.create_task(collected(watches))
        cut = []
        for number in range(10):
            looked.run = document(note=str(number))
            following = asyncio.create_task(collected(watches, cut[-1].id if cut else 0, cut))
            await holds(lambda number=number: cut and note(cut[-1]) == str(number))
            following.cancel()
            looked.run = document(note=f"{number} unseen")
            await another_look(looked)
        looked.run = document(RunState.ERROR)
        await collected(watches, cut[-1].id, cut)
        return await whole, cut

    whole, cut = run(looked, test)
    assert [event.id for event in cut] == [event.id for event in whole]


def test_many_clients_share_one_poller(looked):
    async def test(watches):
        found = [[] for _ in range(50)]
        following = [asyncio.create_task(collected(watches, into=one)) for one in found]
        await holds(lambda: all(found))
        pollers = [task for task in asyncio.all_tasks() if task.get_coro().__name__ == "_poll"]
        looked.run = document(RunState.COMPLETED)
        await asyncio.gather(*following)
        return len(pollers), [len(one) for one in found]

    pollers, events = run(looked, test)
    assert pollers == 1
    assert set(events) == {2}


def test_a_poller_ends_some_time_after_its_last_client_and_is_forgotten(looked):
    async def test(watches):
        following = await follower(watches)
        (watch,) = watches._watched.values()
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        await watch.poller
        lingered = time.monotonic() - watch.left
        after = looked.looks
        await holds(lambda: not watches._watched)
        return lingered, looked.looks - after

    lingered, later = run(looked, test)
    assert lingered >= 0.2
    assert later == 0


def test_an_unknown_run_leaves_nothing(looked):
    looked.run = None

    async def test(watches):
        found = await watches.watch("j", "r")
        await holds(lambda: not watches._watched)
        return found.latest

    assert run(looked, test) is None


def test_a_run_that_is_deleted_ends_its_streams(looked):
    async def test(watches):
        following = await follower(watches)
        looked.run = None
        return await following

    assert [event.name for event in run(looked, test)] == ["progress"]


def test_an_error_of_the_database_is_not_the_end(looked):
    async def test(watches):
        following = await follower(watches)
        looked.run = OSError("gone")
        await another_look(looked)
        with pytest.raises(OSError, match="gone"):
            await watches.watch("j", "r")
        looked.run = document(RunState.COMPLETED)
        return await following

    assert [event.name for event in run(looked, test)] == ["progress", "done"]


def test_a_run_that_was_cleared_after_its_end_is_followed_again(looked):
    async def test(watches):
        looked.run = document(RunState.ERROR)
        first = await collected(watches)
        looked.run = document(note="again")
        following = await follower(watches, first[-1].id)
        looked.run = document(RunState.COMPLETED)
        return first, await following

    first, second = run(looked, test)
    assert [event.name for event in first] == ["done"]
    assert [(event.name, note(event)) for event in second] == [("progress", "again"), ("done", None)]


def test_wait_ends_with_its_time_or_with_the_run(looked):
    async def test(watches):
        early = await watches.wait("j", "r", 0.2)
        done = early.done
        waiting = asyncio.create_task(watches.wait("j", "r", 3600))
        await holds(lambda: early.clients)
        looked.run = document(RunState.COMPLETED)
        return done, (await waiting).done

    assert run(looked, test) == (False, True)


def test_a_wait_after_a_retry_does_not_end_with_the_earlier_end(looked, monkeypatch):
    monkeypatch.setattr(watch, "FRESH_S", 3600)

    async def test(watches):
        looked.run = document(RunState.ERROR)
        first = (await watches.wait("j", "r", 0)).latest.state
        looked.run = document()
        return first, (await watches.wait("j", "r", 0)).latest.state

    assert run(looked, test) == (RunState.ERROR, RunState.RUNNING)


def test_a_look_that_began_before_the_retry_is_not_the_answer(looked, monkeypatch):
    monkeypatch.setattr(watch, "FRESH_S", 3600)
    begun, go = threading.Event(), threading.Event()

    def slow(*_):
        found = looked.run
        begun.set()
        go.wait(patient(60))
        return found

    async def test(watches):
        looked.run = document(RunState.ERROR)
        early = asyncio.create_task(watches.wait("j", "r", 0))
        await asyncio.to_thread(begun.wait)
        looked.run = document()
        late = asyncio.create_task(watches.wait("j", "r", 0))
        await asyncio.sleep(0)
        go.set()
        await early
        return (await late).latest.state

    async def main():
        watches = Watches(slow)
        try:
            return await asyncio.wait_for(test(watches), patient(60))
        finally:
            await watches.close()

    assert asyncio.run(main()) is RunState.RUNNING


def test_a_run_is_forgotten_also_when_a_client_outlives_its_poller(looked):
    async def test(watches):
        found = await watches.watch("j", "r")
        async with watches._client(found):
            looked.run = document(RunState.COMPLETED)
            await found.poller
            await asyncio.sleep(0.5)
            there = len(watches._watched)
        await holds(lambda: not watches._watched)
        return there

    assert run(looked, test) == 1


def test_a_document_is_written_once_for_all_and_not_on_the_event_loop(looked, monkeypatch):
    threads = []
    plain = snapshots.of
    monkeypatch.setattr(snapshots, "of", lambda one: threads.append(threading.current_thread().name) or plain(one))

    async def test(watches):
        following = [await follower(watches) for _ in range(5)]
        looked.run = document(RunState.COMPLETED)
        return await asyncio.gather(*following)

    found = run(looked, test)
    assert all(name.startswith("mcp-looks") for name in threads)
    assert len({id(one[-1].run.whole.body) for one in found}) == 1


def test_comments_come_when_nothing_changes(looked):
    async def test(watches):
        found, comments = await watches.watch("j", "r"), 0
        async for event in watches.follow(found, 0):
            comments += event is None
            if comments == 3:
                break
        return comments

    assert run(looked, test) == 3


def test_the_end_of_the_server_ends_streams_and_waits(looked):
    async def test(watches):
        following = await follower(watches)
        (watch,) = watches._watched.values()
        waiting = asyncio.create_task(watches.wait("j", "r", 3600))
        await holds(lambda: watch.clients == 2)
        watches.stop()
        return [event.name for event in await following], (await waiting).done

    assert run(looked, test) == (["progress"], False)
