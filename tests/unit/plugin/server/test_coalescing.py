import asyncio
import threading
import time
from dataclasses import dataclass

import pytest

from airflow_mcp_provider.plugin.server import coalescing
from airflow_mcp_provider.plugin.server.coalescing import Full, Lanes
from tests.sizes import patient


@dataclass(frozen=True)
class Number:
    number: int
    size: int = 1


class Work:
    """Squares, a batch at a time; notes the batches, and whether two of a lane were worked on at once."""

    def __init__(self):
        self.batches = []
        self.inside = self.most = 0
        self.lock = threading.Lock()

    def __call__(self, asked):
        with self.lock:
            self.inside += 1
            self.most = max(self.most, self.inside)
            self.batches.append(len(asked))
        time.sleep(0.01)
        with self.lock:
            self.inside -= 1
        return [one.number**2 for one in asked]


def test_each_gets_its_own_reply_and_what_gathers_is_done_together():
    async def scene():
        work, here = Work(), Lanes("test", 4)
        replies = await asyncio.gather(*(here.do("one", work, Number(n)) for n in range(500)))
        return work, replies, here.waiting

    work, replies, waiting = asyncio.run(scene())
    assert replies == [n**2 for n in range(500)]
    assert work.most == 1, "two batches of one lane at once"
    assert max(work.batches) == coalescing.BATCH
    assert len(work.batches) <= 6
    assert waiting == 0


def test_lanes_do_not_wait_for_each_other():
    async def scene():
        held, free = threading.Event(), Work()
        here = Lanes("test", 2)
        waiting = asyncio.create_task(here.do("held", lambda asked: [held.wait(patient(60))] * len(asked), Number(0)))
        reply = await asyncio.wait_for(here.do("free", free, Number(3)), patient(60))
        held.set()
        await waiting
        return reply

    assert asyncio.run(scene()) == 9


def test_an_error_reaches_those_of_its_batch_alone():
    async def scene():
        here = Lanes("test", 1)

        def work(asked):
            if any(one.number == 0 for one in asked):
                raise ValueError("zero")
            return [one.number for one in asked]

        first = asyncio.create_task(here.do("one", work, Number(0)))
        await asyncio.sleep(0)
        others = await asyncio.gather(*(here.do("one", work, Number(n)) for n in (1, 2)))
        with pytest.raises(ValueError, match="zero"):
            await first
        return others

    assert asyncio.run(scene()) == [1, 2]


def test_a_batch_has_a_size(monkeypatch):
    monkeypatch.setattr(coalescing, "BATCH_BYTES", 10)

    async def scene():
        work, here = Work(), Lanes("test", 1)
        await asyncio.gather(*(here.do("one", work, Number(n, size=4)) for n in range(6)))
        await here.do("one", work, Number(7, size=50))
        return work.batches

    assert asyncio.run(scene()) == [2, 2, 2, 1]


def test_a_batch_of_a_lane_may_be_smaller():
    async def scene():
        work, here = Work(), Lanes("test", 1)
        await asyncio.gather(*(here.do("one", work, Number(n), 4) for n in range(10)))
        return work.batches

    assert asyncio.run(scene()) == [4, 4, 2]


def test_what_waits_is_bounded(monkeypatch):
    monkeypatch.setattr(coalescing, "WAITING_BYTES", 10)

    async def scene():
        work, here = Work(), Lanes("test", 1)
        tasks = [asyncio.create_task(here.do(n, work, Number(n, size=6))) for n in range(2)]
        done = await asyncio.gather(*tasks, return_exceptions=True)
        return done, await here.do(3, work, Number(5, size=6))

    (first, second), later = asyncio.run(scene())
    assert (first, later) == (0, 25)
    assert isinstance(second, Full)


def test_one_whose_client_has_gone_harms_nobody():
    async def scene():
        work, here = Work(), Lanes("test", 1)
        tasks = [asyncio.create_task(here.do("one", work, Number(n))) for n in range(3)]
        await asyncio.sleep(0)
        tasks[1].cancel()
        return await asyncio.gather(tasks[0], tasks[2])

    assert asyncio.run(scene()) == [0, 4]


def test_a_lane_outlives_work_that_forgets_a_reply():
    async def scene():
        here = Lanes("test", 1)
        lost = await asyncio.gather(here.do("one", lambda _: [], Number(1)), return_exceptions=True)
        return lost, await asyncio.wait_for(here.do("one", Work(), Number(2)), patient(60))

    (lost,), later = asyncio.run(scene())
    assert isinstance(lost, ValueError)
    assert later == 4
