import asyncio
import random

import pytest

from airflow_mcp_provider.plugin.server.priority_semaphore import PrioritySemaphore


def semaphore(limit, **most):
    return PrioritySemaphore(limit, most or {"ui": limit, "runner": limit})


async def _turns(*tasks):
    for _ in range(3):
        await asyncio.sleep(0)
    return [task.done() for task in tasks]


def play(scene):
    return asyncio.run(scene)


def test_no_more_are_inside_than_there_are_places():
    async def scene():
        here = semaphore(3)
        most = 0

        async def request(kind):
            nonlocal most
            await here.acquire(kind, urgent=random.random() < 0.5)
            most = max(most, here.inside)
            await asyncio.sleep(random.random() / 1000)
            here.release(kind)

        await asyncio.gather(*(request(kind) for kind in ("ui", "runner") for _ in range(200)))
        return most, here.inside, [kind.waiting for kind in here.kinds.values()]

    assert play(scene()) == (3, 0, [0, 0])


def test_a_flood_of_one_kind_leaves_its_share_to_the_other():
    async def scene():
        here = semaphore(4)
        order = []

        async def request(kind):
            await here.acquire(kind)
            order.append(kind)
            await asyncio.sleep(0.001)
            here.release(kind)

        flood = [asyncio.create_task(request("runner")) for _ in range(100)]
        await asyncio.sleep(0)
        people = [asyncio.create_task(request("ui")) for _ in range(6)]
        await asyncio.gather(*flood, *people)
        return order

    order = play(scene())
    assert max(index for index, kind in enumerate(order) if kind == "ui") < 20


def test_alone_a_kind_may_have_all():
    async def scene():
        here = semaphore(4)
        for _ in range(4):
            await here.acquire("runner")
        return here.inside

    assert play(scene()) == 4


def test_a_kind_has_no_more_than_its_own_limit():
    async def scene():
        here = semaphore(4, logs=2, ui=4)
        tasks = [asyncio.create_task(here.acquire("logs")) for _ in range(3)]
        done = await _turns(*tasks)
        await here.acquire("ui")
        here.release("logs")
        return done, await _turns(*tasks)

    assert play(scene()) == ([True, True, False], [True, True, True])


def test_urgent_ones_go_first_and_the_others_in_their_order():
    async def scene():
        here = semaphore(1)
        await here.acquire("runner")
        order = []

        async def request(name, urgent):
            await here.acquire("runner", urgent=urgent)
            order.append(name)
            here.release("runner")

        tasks = [asyncio.create_task(request(*one)) for one in (("a", False), ("b", False), ("beat", True))]
        await asyncio.sleep(0)
        here.release("runner")
        await asyncio.gather(*tasks)
        return order

    assert play(scene()) == ["beat", "a", "b"]


@pytest.mark.parametrize("given", [False, True], ids=["while it waits", "in the moment that it is its turn"])
def test_one_that_is_cancelled_takes_no_place(given):
    async def scene():
        here = semaphore(1)
        await here.acquire("ui")
        waiting, following = (asyncio.create_task(here.acquire("ui")) for _ in range(2))
        await asyncio.sleep(0)
        if given:
            here.release("ui")
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        if not given:
            here.release("ui")
        await following
        return here.inside, here.kinds["ui"].waiting

    assert play(scene()) == (1, 0)
