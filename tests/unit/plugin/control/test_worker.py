"""What waits for the scheduler's lock is repeated until it is done, without holding anything in between."""

import asyncio
import threading

import pytest
from airflow import settings
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import sessionmaker
from sqlalchemy.pool import NullPool

from airflow_mcp_provider.plugin.control import worker
from airflow_mcp_provider.plugin.control.refused import ControlRefused

DEADLOCK = OperationalError("UPDATE", {}, Exception("deadlock detected"))


@pytest.fixture(autouse=True)
def sessions(tmp_path, monkeypatch):
    monkeypatch.setattr(
        settings, "NonScopedSession", sessionmaker(create_engine(f"sqlite:///{tmp_path}/db", poolclass=NullPool))
    )
    monkeypatch.setattr(worker, "PAUSE_S", (0.0, 0.01))


class Work:
    """Fails some times."""

    def __init__(self, failures):
        self.failures = failures
        self.sessions = []
        self.threads = set()

    def __call__(self, session):
        self.sessions.append(session)
        self.threads.add(threading.current_thread().name)
        session.execute(text("SELECT 1"))
        if len(self.sessions) <= self.failures:
            raise DEADLOCK
        return len(self.sessions)


def test_a_deadlock_is_repeated_in_another_transaction():
    work = Work(3)
    assert asyncio.run(worker.carry_out(work)) == 4
    assert len(set(map(id, work.sessions))) == 4
    assert not any(session.in_transaction() for session in work.sessions)
    assert {name.rpartition("_")[0] for name in work.threads} == {worker.NAME}


def test_after_a_minute_it_is_given_up_and_nothing_was_changed(monkeypatch):
    monkeypatch.setattr(worker, "PATIENCE_S", 0.05)
    with pytest.raises(ControlRefused, match="send the same request again") as error:
        asyncio.run(worker.carry_out(Work(10_000)))
    assert (error.value.status_code, error.value.headers) == (503, {"Retry-After": "1"})


def test_another_error_is_raised_at_once():
    def refuse(session):
        raise ControlRefused("not_ended", "the run has not ended", 409)

    with pytest.raises(ControlRefused, match="the run has not ended"):
        asyncio.run(worker.carry_out(refuse))
