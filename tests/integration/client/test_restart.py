"""A client goes on when its API server was killed and has started again."""

import asyncio
import threading
from datetime import UTC, datetime, timedelta

from airflow_mcp_provider.client import AsyncJobClient
from airflow_mcp_provider.embedded.airflow import USER
from tests.sizes import patient


def test_streams_and_a_wait_go_on(airflow, jobs, folder):
    run = jobs.submit("inventory", {"path": str(folder)}, not_before=datetime.now(UTC) + timedelta(hours=1)).run
    seen, waited, begun = ([], []), [], threading.Barrier(3)

    def note(states, document):
        states.append(str(document.state))
        if len(states) == 1:
            begun.wait(patient(60))

    def follow():
        for document in jobs.stream("inventory", run):
            note(seen[0], document)

    async def follow_async():
        user = {"user": USER, "password": airflow.password}
        async with AsyncJobClient(airflow.url, **user, patience=patient(60)) as client:
            async for document in client.stream("inventory", run):
                note(seen[1], document)

    threads = [
        threading.Thread(target=follow),
        threading.Thread(target=lambda: asyncio.run(follow_async())),
        threading.Thread(target=lambda: waited.append(jobs.wait("inventory", run))),
    ]
    for thread in threads:
        thread.start()
    begun.wait(patient(60))
    airflow.kill("api-server-1")
    airflow.start("api-server-1")
    jobs.cancel("inventory", run, reason="enough")
    for thread in threads:
        thread.join(patient(60))
    assert [(states[0], states[-1]) for states in seen] == [("queued", "cancelled")] * 2
    assert waited[0].state == "cancelled"
    assert "enough" in waited[0].reason.text
