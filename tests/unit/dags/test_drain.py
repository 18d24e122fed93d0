import json

import pytest
from drain.ledger import BadMessage, Ledger
from drain.sources import source_of

from tests.integration.templates import redis_server


@pytest.fixture(scope="module")
def redis_url(tmp_path_factory):
    with redis_server.served(tmp_path_factory.mktemp("redis")) as url:
        yield url


@pytest.fixture(params=["spool", "redis"])
def queue(request, tmp_path, monkeypatch):
    """The params of a queue, a way to send, and how many failed messages lie there."""
    ledger = {"ledger": str(tmp_path / "ledger.db"), "per_subtask": 4, "pause": 0, "list": "odd[key]*"}
    if request.param == "spool":
        spool = tmp_path / "spool"
        spool.mkdir()
        return ledger | {"source": str(spool)}, Spooled(spool)
    url = request.getfixturevalue("redis_url")
    monkeypatch.setenv("REDIS_PASSWORD", redis_server.PASSWORD)
    server = redis_server.client(url)
    server.flushall()
    return ledger | {"source": url}, Pushed(server, ledger["list"])


class Spooled:
    def __init__(self, folder):
        self.folder = folder
        (folder / ".not-yet-ready").write_text("{")
        (folder / "directory").mkdir()

    def send(self, number, text):
        (self.folder / f"{number:04}").write_text(text)

    def failed(self):
        return len([*(self.folder / ".failed").glob("*")])


class Pushed:
    def __init__(self, server, key):
        self.server, self.key = server, key

    def send(self, _, text):
        self.server.lpush(self.key, text)

    def failed(self):
        return self.server.llen(f"{self.key}.failed")


def booking(number, **more):
    return json.dumps({"id": f"m{number}", "account": f"a{number % 3}", "cents": number, **more})


def test_a_burst_books_each_message_once(local_run, queue):
    params, at = queue
    for number in range(10):
        at.send(number, booking(number))
    at.send(10, booking(3))  # again
    at.send(11, "no json")
    at.send(12, '{"id": 5}')
    run = local_run("drain_queue", **params)
    report = run.run()
    assert len(run.outcomes) == 4
    assert {name: report[name] for name in ("booked", "refused", "accounts", "cents", "pending")} == {
        "booked": 10, "refused": 2, "accounts": 3, "cents": 45, "pending": 0,
    }  # fmt: skip
    assert sorted(reason["reason"][:15] for reason in report["reasons"]) == ["is no JSON: Exp", "is no booking: "]
    assert at.failed() == 2
    again = local_run("drain_queue", **params)
    assert again.run()["booked"] == 0
    assert again.outcomes == []


def test_oldest_first_and_no_message_for_two(queue):
    params, at = queue
    for number in range(6):
        at.send(number, str(number))
    source = source_of(params)
    first = [*source.claim("a", 4)]
    assert [claim.body for claim in first] == [b"0", b"1", b"2", b"3"]
    assert [claim.body for claim in source.claim("b", 4)] == [b"4", b"5"]
    assert source.pending() == 0


def test_the_next_attempt_goes_on_with_what_it_claimed(queue):
    params, at = queue
    for number in range(6):
        at.send(number, str(number))
    source = source_of(params)
    first, *_ = source.claim("a", 3)
    source.done(first)
    assert [claim.body for claim in source.claim("a", 3)] == [b"1", b"2", b"3"]


def test_the_next_run_takes_what_a_dead_one_had_claimed_in_its_old_place(queue):
    params, at = queue
    for number in range(6):
        at.send(number, str(number))
    source = source_of(params)
    [*source.claim("a", 2)], [*source.claim("b", 2)]
    source.put_back()
    assert source.pending() == 6
    assert sorted(claim.body for claim in source.claim("c", 4)) == [b"0", b"1", b"2", b"3"]


def test_a_message_killed_between_booking_and_acknowledgement_is_booked_once(queue):
    params, at = queue
    at.send(0, booking(7))
    source, ledger = source_of(params), Ledger(params["ledger"])
    (claim,) = source.claim("a", 4)
    assert ledger.book(claim.body, "first")
    (claim,) = source.claim("a", 4)
    assert not ledger.book(claim.body, "first")
    assert ledger.told(["first"])["cents"] == 7


def test_what_was_acknowledged_already_is_no_error(queue):
    params, at = queue
    at.send(0, "x")
    source = source_of(params)
    (claim,) = source.claim("a", 1)
    source.done(claim)
    source.done(claim)


def test_half_a_booking_is_none(tmp_path):
    ledger = Ledger(str(tmp_path / "ledger.db"))
    with pytest.raises(BadMessage):
        ledger.book(b'{"id": "a", "account": "b", "cents": "1"}', "x")
    assert ledger.told(["x"])["booked"] == 0


def test_a_password_has_no_place_in_the_params():
    from jsonschema import Draft202012Validator

    from airflow_mcp_provider.spec import load_job
    from tests.unit.dags.conftest import JOBS

    form = Draft202012Validator(dict(load_job(JOBS / "drain_queue.yaml").params["source"]))
    assert form.is_valid("redis://h:1/0")
    assert not form.is_valid("redis://user:secret@h:1/0")
