"""A message queue through Airflow's common.messaging: a channel of a real Redis, whose connection Airflow stores."""

import itertools

from airflow_mcp_provider.embedded.airflow import Embedded
from tests.integration.templates import redis_server
from tests.integration.watch.watching import document, overlapping, runs, until

JOB = "uploads"
CHANNEL = "uploads"
RUNS = 2


def test_each_message_of_a_channel_starts_a_run_one_at_a_time(airflow: Embedded, redis_url: str) -> None:
    server = redis_server.client(redis_url)
    subscribed = f"a subscriber: {document(airflow, JOB)['watch']}"
    until(lambda: server.pubsub_numsub(CHANNEL)[0][1], 60, subscribed)
    assert runs(airflow, JOB) == [], "no run without a message"

    published = (server.publish(CHANNEL, f"upload {number}") for number in itertools.count())

    def received() -> list[str]:
        """Publish again: a channel keeps nothing, and while a run is active at most one message is received."""
        next(published)
        return [text.decode() for text in server.lrange("received", 0, -1)]

    first = until(received, 120, "the work of a run")
    assert until(lambda: document(airflow, JOB)["watch"]["pending"], 10, "the status of the watch")
    watch = document(airflow, JOB)["watch"]
    assert (watch["error"], watch["problem"], watch["failures"]) == (None, None, 0)
    until(lambda: len(received()) >= RUNS, 120, "runs of later messages")
    got = received()
    until(lambda: [state for state, *_ in runs(airflow, JOB)].count("success") >= RUNS, 60, "the end of the runs")

    found = runs(airflow, JOB)  # one more message may have a run that is active
    assert overlapping(found) == []
    assert all(run_id.startswith("asset_triggered__") for _, run_id, _, _ in found)
    query = "SELECT conf FROM dag_run WHERE dag_id = %s ORDER BY id"
    messages = [row[0]["message"] for row in airflow.sql(query, JOB)]
    assert {message["channel"] for message in messages} == {CHANNEL}
    texts = [message["data"] for message in messages]
    assert texts[: len(got)] == got, "each run has its message"
    assert got[: len(first)] == first
    assert texts == sorted(set(texts), key=lambda text: int(text.removeprefix("upload "))), "no message twice"
