"""What is done where a transaction for many runners fails: once more in parts, or not."""

import asyncio
import uuid
from contextlib import contextmanager

import pytest
from sqlalchemy import exc

from airflow_mcp_provider.plugin.server import handlers, runner_requests
from airflow_mcp_provider.plugin.server.request_body import Held
from airflow_mcp_provider.runtime import store_keys


class Psycopg3Error(Exception):
    sqlstate = "55P03"


class PostgresError(Exception):
    def __init__(self, pgcode):
        super().__init__("of Postgres")
        self.pgcode = pgcode


FOR_ALL = {
    "no connection": exc.OperationalError("connect", {}, Exception("connection to server failed: Connection refused")),
    "no place in the pool": exc.TimeoutError("QueuePool limit of size 5 overflow 10 reached"),
    "SQLite is locked": exc.OperationalError("UPDATE", {}, Exception("database is locked")),
    "a lock, psycopg 3": exc.OperationalError("UPDATE", {}, Psycopg3Error()),
    "a lock": exc.OperationalError("UPDATE", {}, PostgresError("55P03")),
    "Postgres ends": exc.OperationalError("UPDATE", {}, PostgresError("57P01")),
}
FOR_ONE = {
    "data": exc.DataError("INSERT", {"value": "a secret"}, PostgresError("22003")),
    "a limit of Postgres": exc.OperationalError("INSERT", {}, PostgresError("54000")),
}


@pytest.fixture
def failing(monkeypatch):
    """Let every transaction fail; returns how many there were."""

    def fail(error):
        begun = []

        @contextmanager
        def session(**_):
            begun.append(error)
            raise error
            yield

        monkeypatch.setattr(handlers, "create_session", session)
        asked = [handlers.StoreRequest(uuid.uuid4(), store_keys.ENQUEUE) for _ in range(100)]
        return len(begun), handlers.answer(asked), begun

    return fail


@pytest.mark.parametrize("error", FOR_ALL.values(), ids=FOR_ALL)
def test_what_meets_all_is_tried_once_and_answered_503(failing, error):
    _, replies, begun = failing(error)
    assert len(begun) == 1
    assert {reply.status for reply in replies} == {503}


@pytest.mark.parametrize("error", FOR_ONE.values(), ids=FOR_ONE)
def test_what_one_request_causes_is_found_by_halves(failing, error):
    _, replies, begun = failing(error)
    assert len(begun) == 199
    assert len(replies) == 100


@pytest.mark.parametrize(
    ("key", "transactions"), [(store_keys.CALL, 100 / runner_requests.CALLS), (store_keys.ENQUEUE, 1)]
)
def test_few_runs_of_other_jobs_are_created_in_a_transaction(failing, key, transactions):
    """It has the locks of these jobs, for which people wait."""
    _, _, begun = failing(FOR_ALL["a lock"])
    begun.clear()

    async def scene():
        requests = runner_requests.RunnerRequests(None, Held(), stores=True)
        asked = [handlers.StoreRequest(uuid.uuid4(), key, object()) for _ in range(100)]
        requests._runs.update((one.instance, 1) for one in asked)
        return await asyncio.gather(*(requests._of_run(one) for one in asked))

    assert {reply.status for reply in asyncio.run(scene())} == {503}
    assert len(begun) == transactions


def test_values_of_users_are_not_in_the_log(failing, capfd):
    failing(FOR_ONE["data"])
    said = "".join(capfd.readouterr())
    assert "a runner's request failed" in said
    assert "a secret" not in said
