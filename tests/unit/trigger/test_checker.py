"""Checks in real processes: whatever a check does, its caller gets an answer, and nothing of it is left."""

import asyncio
import os
import signal
from pathlib import Path

import psutil
import pytest

from airflow_mcp_provider.errors import TryAgain
from airflow_mcp_provider.trigger import checker as checker_module
from airflow_mcp_provider.trigger.checker import Checker, environment
from airflow_mcp_provider.trigger.found import Found, read
from airflow_mcp_provider.trigger.messages import Reply, Request
from tests.sizes import patient

FOLDER = str(Path(__file__).parent / "checked")
LONG = patient(60)


@pytest.fixture(autouse=True)
def patience(monkeypatch):
    monkeypatch.setattr(checker_module, "MARGIN", LONG)


def request(form, seconds=LONG):
    given = (
        {"command": tuple(form)}
        if isinstance(form, list)
        else {"python": form if ":" in form else f"watched_checks:{form}"}
    )
    return Request(id=0, timeout=seconds, folders=(FOLDER,), **given)


async def run(checks, form, seconds=LONG):
    wanted = request(form, seconds)
    return read(wanted, await checks.run(wanted))


def all_found(limits):
    """Run checks with their time limits in one fork server, and return what each found."""

    async def each():
        checks = Checker()
        results = await asyncio.gather(*(run(checks, form, seconds) for form, seconds in limits))
        assert left(checks) == []
        await end(checks)
        return results

    return asyncio.run(each())


def left(checks):
    """Processes of checks that are still there: SIGKILL was sent, and the reply may be a moment earlier."""
    return psutil.wait_procs(psutil.Process(checks._server.process.pid).children(recursive=True), timeout=LONG)[1]


async def end(checks):
    checks._server.process.stdin.close()
    await asyncio.wait_for(checks._server.process.wait(), LONG)


async def children(checks: Checker, least: int) -> list[psutil.Process]:
    """Wait until so many checks run."""
    async with asyncio.timeout(LONG):
        while len(found := psutil.Process(checks._server.process.pid).children()) < least:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.05)
    return found


RETURNED = [
    ("nothing", Found()),
    ("conf", Found(pending=True, conf={"folder": "in"})),
    ("true", Found(pending=True)),
    ("awaited", Found(pending=True, conf={"awaited": True})),
    ("starts_a_thread", Found(pending=True)),
    ("starts_a_daemon", Found(pending=True, conf={"child": True})),
    ("reads", Found(pending=True, conf={"stdin": "", "folder": FOLDER})),
    (["true"], Found()),
    (["echo", "false"], Found()),
    (["echo", '{"n": 1}'], Found(pending=True, conf={"n": 1})),
    (["sh", "-c", "echo text >&2; echo true"], Found(pending=True)),
    (["sh", "-c", "sleep 600 & echo true"], Found(pending=True)),
]


def test_what_a_check_may_return():
    results = all_found([(form, LONG) for form, _ in RETURNED])
    assert list(zip((form for form, _ in RETURNED), results, strict=True)) == RETURNED


FAILED = [
    ("raises", "ValueError: no such queue"),
    ("exits", "SystemExit: 3"),
    ("vanishes", "the process ended with exit code 0 before the function returned"),
    ("crashes", "killed by SIGSEGV"),
    ("hangs", "did not end within timeout 5s and was killed"),
    ("blocks", "did not end within timeout 5s and was killed"),
    ("prints_for_ever", "printed or returned more than 65536 bytes and was killed"),
    ("huge", "MemoryError"),
    ("large", "the result of the check has 200008 bytes; expected at most"),
    ("listed", "invalid result [1] of the check; expected a mapping"),
    ("not_json", "not plain JSON"),
    ("no_such", "no attribute 'no_such'"),
    ("no_such_module:x", "no module named 'no_such_module'"),
    (["false"], "the command failed: exit code 1"),
    (["sh", "-c", "echo out of disk >&2; exit 3"], "exit code 3: out of disk"),
    (["sh", "-c", "kill -9 $$"], "killed by SIGKILL"),
    (["no-such-program"], "exit code 127: no-such-program: No such file or directory"),
    (["echo", "text"], "invalid output 'text' of the command; expected as JSON a mapping"),
    (["yes"], "more than 65536 bytes"),
    (["sleep", "600"], "did not end within timeout 5s"),
]


def test_what_fails_is_an_error_with_its_reason():
    limits = [(form, 5 if "timeout 5s" in expected else LONG) for form, expected in FAILED]
    for (form, expected), result in zip(FAILED, all_found(limits), strict=True):
        assert not result.pending
        assert expected in (result.error or ""), form
        assert len(result.error) <= 2_000


def test_checks_that_hang_do_not_delay_the_others():
    async def both():
        checks = Checker()
        await run(checks, "true")
        assert left(checks) == []
        hanging = [asyncio.create_task(checks.run(request("hangs", 3600.0), failing=True)) for _ in range(20)]
        await children(checks, checker_module.CONCURRENT_FAILING)
        results = await asyncio.gather(*(run(checks, "true") for _ in range(20)))
        hang = [not task.done() for task in hanging]
        for task in hanging:
            task.cancel()
        await asyncio.gather(*hanging, return_exceptions=True)
        checks._server.process.kill()
        return results, hang

    results, hang = asyncio.run(both())
    assert results == [Found(pending=True)] * 20
    assert all(hang), "they waited for the ones that hang"


def test_at_most_some_checks_run_at_once():
    async def many():
        checks = Checker()
        await run(checks, "true")
        assert left(checks) == []
        waiting = [asyncio.create_task(checks.run(request("hangs", 3600.0))) for _ in range(30)]
        await children(checks, checker_module.CONCURRENT)
        await asyncio.sleep(0.5)  # for one more than that
        number = len(await children(checks, checker_module.CONCURRENT))
        for task in waiting:
            task.cancel()
        checks._server.process.kill()
        return number

    assert asyncio.run(many()) == checker_module.CONCURRENT


def test_a_fork_server_that_is_killed_is_an_error_once():
    async def killed():
        checks = Checker()
        await run(checks, "true")
        assert left(checks) == []
        task = asyncio.create_task(checks.run(request("hangs", 3600.0)))
        [child] = await children(checks, 1)
        os.kill(checks._server.process.pid, signal.SIGKILL)
        with pytest.raises(TryAgain, match="has ended"):
            await task
        psutil.wait_procs([child], timeout=LONG)
        assert not child.is_running(), "its checks end with it"
        result = await run(checks, "true")
        await end(checks)
        return result

    assert asyncio.run(killed()) == Found(pending=True)


def test_the_fork_server_ends_with_the_triggerer_and_when_it_is_idle(monkeypatch):
    monkeypatch.setattr(checker_module, "IDLE", 0.2)

    async def idle():
        checks = Checker()
        await run(checks, "true", seconds=0.5)
        process = checks._server.process
        await asyncio.wait_for(process.wait(), LONG)
        assert await run(checks, "true") == Found(pending=True), "it is started again"
        await end(checks)

    asyncio.run(idle())


def test_checks_do_not_get_the_keys_and_the_database_of_airflow():
    kept = {"AIRFLOW_HOME": "/a", "AIRFLOW__CORE__DAGS_FOLDER": "/b", "PATH": "/bin"}
    secret = {
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "x",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_CMD": "x",
        "AIRFLOW__CORE__FERNET_KEY": "x",
        "AIRFLOW__API__SECRET_KEY": "x",
        "AIRFLOW__API_AUTH__JWT_SECRET": "x",
        "AIRFLOW__CELERY__BROKER_URL": "x",
    }
    assert environment({**kept, **secret}) == kept


def test_the_environment_of_checks_is_that_one(monkeypatch):
    monkeypatch.setenv("AIRFLOW__CORE__FERNET_KEY", "x")
    monkeypatch.setenv("AIRFLOW__CORE__DAGS_FOLDER", "x")

    async def once():
        checks = Checker()
        result = await run(checks, "environment")
        await end(checks)
        return result.conf["names"]

    names = asyncio.run(once())
    assert "AIRFLOW__CORE__FERNET_KEY" not in names
    assert "AIRFLOW__CORE__DAGS_FOLDER" in names


def test_a_cancellation_that_comes_with_the_reply_is_not_lost():
    """In Python 3.11 ``asyncio.wait_for`` loses it, and the watch of a removed job checks for ever (gh-86296)."""

    async def cancelled():
        checks = Checker()
        asked = asyncio.create_task(checks.run(request(["sleep", "600"], 3600.0)))
        async with asyncio.timeout(LONG):
            while not (checks._server and (waiting := [*checks._server.waiting.values()])):  # noqa: ASYNC110 - a start
                await asyncio.sleep(0.01)
        waiting[0].set_result(Reply(id=0, code=0, result="", log="", ended="exited"))
        asked.cancel()
        done, _ = await asyncio.wait([asked], timeout=LONG)
        await end(checks)
        return bool(done) and asked.cancelled()

    assert asyncio.run(cancelled())
