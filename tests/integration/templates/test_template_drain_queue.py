"""``drain_queue`` on a real Airflow: whatever is killed, the balances are those of each message once."""

import json
import random
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from airflow_mcp_provider.embedded.airflow import Embedded
from tests.integration.templates import redis_server
from tests.integration.templates.held import HeldKiller
from tests.sizes import FULL

MESSAGES = 10_000 if FULL else 240
SHARE = 200 if FULL else 24
Send = Callable[[int, str], object]


@pytest.fixture(params=["spool", "redis"])
def queue(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, Send]]:
    """Where messages wait, and a way to send one."""
    if request.param == "spool":
        yield str(tmp_path), lambda number, text: (tmp_path / f"{number:06}.json").write_text(text)
        return
    with redis_server.served(tmp_path) as url:
        server = redis_server.client(url)
        yield url, lambda _, text: server.lpush("messages", text)


def test_each_message_once_although_ten_runners_are_killed(
    airflow: Embedded, queue: tuple[str, Send], tmp_path: Path
) -> None:
    source, send = queue
    wanted, refused = sent(send)
    airflow.api.wait_for_dag("drain_queue")
    ledger = tmp_path / ".ledger.db"
    params = {"source": source, "ledger": str(ledger), "per_subtask": SHARE, "pause": 0.03}
    run_id = airflow.api.trigger("drain_queue", params)
    killer = HeldKiller(airflow, "drain_queue", run_id)
    assert killer.until_the_end(1800 if FULL else 500)["state"] == "success"
    assert killer.killed.total() == 10
    result = airflow.api.xcom("drain_queue", run_id, "report")
    assert (result["state"], result["subtasks"]) == ("complete", -(-MESSAGES // SHARE))
    told = {name: result["result"][name] for name in ("booked", "refused", "cents", "pending")}
    assert told == {"booked": MESSAGES - refused - 20, "refused": refused, "cents": wanted.total(), "pending": 0}
    with sqlite3.connect(ledger) as database:
        assert dict(database.execute("SELECT account, cents FROM balances")) == wanted

    empty = airflow.api.trigger("drain_queue", params)
    assert airflow.api.wait("drain_queue", empty)["state"] == "success"
    assert airflow.api.xcom("drain_queue", empty, "report")["state"] == "nothing to do"


def sent(send: Send, messages: int = MESSAGES) -> tuple[Counter[str], int]:
    """Send messages: 20 of them twice, some that nobody can book. What the balances must be, and how many are refused."""
    some = random.Random(5)
    bookings = [
        {"id": f"id-{n}", "account": f"account-{n % 7}", "cents": some.randrange(1, 9999)} for n in range(messages - 27)
    ]
    texts = [json.dumps(booking) for booking in [*bookings, *bookings[:20]]] + [f"rubbish {n}" for n in range(7)]
    some.shuffle(texts)
    for number, text in enumerate(texts):
        send(number, text)
    wanted: Counter[str] = Counter()
    for booking in bookings:
        wanted[str(booking["account"])] += int(str(booking["cents"]))
    return wanted, 7
