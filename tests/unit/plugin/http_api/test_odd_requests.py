"""Odd values in every place of a request: an answer below 500, and a problem where it is an error."""

import json
import random
from urllib.parse import quote

import pytest
from airflow.models.dagrun import DagRun
from airflow.utils.state import DagRunState
from sqlalchemy import update

ODD = [
    "",
    " ",
    "~",
    ".",
    "..",
    "%",
    "%2F",
    "a/b",
    "\\",
    "'",
    '"',
    "a" * 300,
    "ü🙂",
    "\ud800".encode("utf-8", "surrogatepass").decode("latin-1"),
    "-1",
    "0",
    "1e9",
    "99999999999999999999",
    "null",
    "true",
    "[]",
    "{}",
    "x\ny",
    "2026-01-01",
    "\x7f",
    "*",
    "_",
    "' OR 1=1 --",
    "0.0",
    "9.9",
    "0.999999999",
]
VALUES = [
    None,
    True,
    0,
    -1,
    1.5,
    1e308,
    10**40,
    "",
    "a",
    "\0",
    "\ud800",
    [],
    {},
    [[]],
    {"a": None},
    {"": 1},
    {"url": [1]},
    {"n": "x"},
    {"url": None},
    "9999-12-31T23:59:59Z",
    "9999-12-31T23:59:59-23:00",
    "0001-01-01T00:00:00+14:00",
    "2026-01-01T00:00:00Z",
    "x" * 5000,
]
PATHS = [
    "/jobs/{}",
    "/jobs/{}/runs",
    "/jobs/crawl/runs/{}",
    "/jobs/crawl/runs/{}/subtasks",
    "/jobs/crawl/runs/one/subtasks/{}",
    "/jobs/crawl/runs/one/subtasks/{}/logs",
    "/jobs/crawl/runs/{}/events",
    "/jobs/crawl/runs/{}/logs",
]
QUERIES = {
    "/jobs": ["search", "tag", "paused", "active", "cursor", "limit"],
    "/jobs/crawl/runs": ["state", "cursor", "limit"],
    "/jobs/crawl/runs/one/subtasks": ["state", "step", "parent", "text", "cursor", "limit"],
}
HEADERS = ["Prefer", "If-None-Match", "Idempotency-Key", "Last-Event-ID", "Accept"]
FIELDS = ["conf", "priority", "key", "note", "not_before", "odd"]


@pytest.fixture
def one(http, make_job, set_run, database):
    make_job(more="queue: {max_pending: 3}")
    run = http.post("/jobs/crawl/runs", json={}).json()["run"]
    set_run(run, DagRunState.SUCCESS)
    with database() as session:
        session.execute(update(DagRun).values(run_id="one"))
        session.commit()


def check(answer):
    what = f"{answer.request.method} {answer.request.url} {answer.request.headers}"
    assert answer.status_code < 500, f"{what}: {answer.status_code} {answer.text}"
    if answer.status_code >= 400:
        assert answer.headers["content-type"] == "application/problem+json", what
        assert isinstance(answer.json()["detail"], str)


def test_paths_and_queries(http, one):
    for path in PATHS:
        for odd in ODD:
            check(http.get(path.format(quote(odd, safe=""))))
    for path, names in QUERIES.items():
        for name in names:
            for odd in ODD:
                check(http.get(path, params={name: odd}))


def test_headers(http, one):
    for name in HEADERS:
        for odd in [one for one in ODD if one.isascii() and one.isprintable()]:
            check(http.get("/jobs/crawl/runs/one", headers={name: odd}))
            check(http.get("/jobs/crawl/runs/one/events", headers={name: odd}))
            check(http.post("/jobs/crawl/runs", headers={name: odd}, json={}))


def test_bodies(http, one):
    rng = random.Random(13)
    bodies = [{field: value} for field in FIELDS for value in VALUES]
    bodies += [{field: rng.choice(VALUES) for field in rng.sample(FIELDS, 3)} for _ in range(40)]
    for body in [*VALUES, *bodies]:
        check(
            http.post(
                "/jobs/crawl/runs", content=json.dumps(body).encode(), headers={"Content-Type": "application/json"}
            )
        )
    deep = [b'{"conf": {"url": ' + b"[" * depth + b"]" * depth + b"}}" for depth in (99, 100, 255, 400, 900, 5000)]
    deep += [b'{"conf": {"url": ' + b'{"a": ' * 400 + b"1" + b"}" * 402]
    for content in (*deep, b"", b"{", b"[1" * 5000, b"\xff", b'{"conf": NaN}', b'{"conf": {"a": 1e400}}'):
        check(http.post("/jobs/crawl/runs", content=content, headers={"Content-Type": "application/json"}))


def test_event_ids(http, one):
    for number in ("1" * 18 + "x", "1" * 5000, "9" * 18, "9" * 19, "-1", "1.5"):
        answer = http.get("/jobs/crawl/runs/one/events", headers={"Last-Event-ID": number})
        assert (answer.status_code, answer.text.count("event: done")) == (200, 1), number


def test_bodies_of_control(http, one):
    path = "/jobs/crawl/runs/one"
    for text in ("\ud800", "\0", "x" * 600):
        for name, body in (("retry", {"keys": [text]}), ("cancel", {"reason": text})):
            content = json.dumps(body).encode()
            answer = http.post(f"{path}/{name}", content=content, headers={"Content-Type": "application/json"})
            check(answer)
            assert (answer.status_code == 422) == (len(text) == 1 or name == "cancel"), answer.text


def test_a_conf_that_is_nested_too_deep_is_refused(http, make_job):
    make_job(text="params: {a: {}}\nplan: {items: [1]}\nrun: {shell: x}")
    for depth, status in ((98, 202), (100, 422), (5000, 422)):
        body = b'{"conf": {"a": ' + b"[" * depth + b"]" * depth + b"}}"
        answer = http.post("/jobs/crawl/runs", content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code in {status, 400}, answer.text
        if status == 202:
            run = answer.json()["run"]
    assert http.get(f"/jobs/crawl/runs/{run}").json()["conf"]["a"] == json.loads("[" * 98 + "]" * 98)


def test_a_run_whose_conf_is_nested_too_deep_is_shown_in_part(http, one, database):
    conf = {"url": json.loads("[" * 400 + "]" * 400)}
    with database() as session:
        session.execute(update(DagRun).values(conf=conf))
        session.commit()
    answer = http.get("/jobs/crawl/runs/one")
    assert (answer.status_code, "…" in answer.text) == (200, True)
    assert http.get("/jobs/crawl/runs/one/events").status_code == 200
