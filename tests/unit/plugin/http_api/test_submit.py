"""Submits: the answer, keys, refusals, and waiting."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from airflow.models.dagrun import DagRun
from airflow.utils.state import DagRunState
from sqlalchemy import func, select

from tests.sizes import patient
from tests.unit.waiting import until

RUNS = "/jobs/crawl/runs"


def count(database):
    with database() as session:
        return session.scalar(select(func.count()).select_from(DagRun))


def test_a_submit_is_accepted_with_its_place(http, job):
    first = http.post(RUNS, json={"conf": {"url": "b"}, "priority": 3, "note": "by hand"})
    assert first.status_code == 202
    body = first.json()
    assert (body["state"], body["position"]) == ("queued", 1)
    assert first.headers["location"] == body["status_url"] == f"/job-control/v1/jobs/crawl/runs/{body['run']}"
    assert int(first.headers["retry-after"]) >= 1
    assert http.post(RUNS, json={}).json()["position"] == 2
    assert http.post(RUNS, json={"priority": 9}).json()["position"] == 1
    document = http.get(f"{RUNS}/{body['run']}").json()
    assert (document["submitter"], document["conf"], document["priority"]) == ("anna", {"url": "b"}, 3)
    assert (document["position"], document["note"], document["progress"]) == (2, "by hand", None)
    assert document["reason"]["code"] == "behind"


def test_a_key_gives_one_run_and_a_user_has_keys_of_its_own(http, job, database):
    first = http.post(RUNS, json={"conf": {"n": 2}, "key": "order 1"})
    again = http.post(RUNS, json={"conf": {"n": 2}}, headers={"Idempotency-Key": "order 1"})
    assert (first.status_code, again.status_code) == (202, 200)
    assert first.json()["run"] == again.json()["run"]
    other = http.post(RUNS, json={"conf": {"n": 3}, "key": "order 1"})
    assert (other.status_code, other.json()["type"]) == (422, "urn:airflow-mcp:key_reused")
    both = http.post(RUNS, json={"key": "order 1"}, headers={"Idempotency-Key": "order 2"})
    assert both.status_code == 422
    bert = http.post(RUNS, json={"conf": {"n": 2}, "key": "order 1"}, headers={"x-user": "bert"})
    assert bert.status_code == 202
    assert bert.json()["run"] != first.json()["run"]
    assert count(database) == 2


def test_a_key_that_is_sent_many_times_at_the_same_instant_makes_one_run(http, job, database):
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: http.post(RUNS, json={"key": "k"}), range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] * 7 + [202]
    assert len({answer.json()["run"] for answer in answers}) == count(database) == 1


def test_a_run_that_was_made_with_a_key_is_the_answer_also_when_the_queue_is_full(http, make_job):
    make_job(more="queue: {max_pending: 1}")
    first = http.post(RUNS, json={"key": "k"})
    full = http.post(RUNS, json={})
    assert (full.status_code, full.headers["content-type"]) == (429, "application/problem+json")
    problem = full.json()
    assert (problem["type"], problem["limit"], problem["pending"]) == ("urn:airflow-mcp:max_pending", "max_pending", 1)
    assert "1 runs are queued" in problem["detail"]
    assert full.headers["retry-after"] == "30"
    again = http.post(RUNS, json={"key": "k"})
    assert (again.status_code, again.json()["run"]) == (200, first.json()["run"])


def test_unique_answers_with_the_run_that_waits(http, make_job):
    make_job(more="queue: {unique: [url], max_pending: 2}")
    first = http.post(RUNS, json={"conf": {"url": "b"}})
    same = http.post(RUNS, json={"conf": {"url": "b", "n": 2}})
    assert (same.status_code, same.json()["run"]) == (200, first.json()["run"])
    assert http.post(RUNS, json={"conf": {"url": "c"}}).status_code == 202
    assert http.post(RUNS, json={"conf": {"url": "c", "n": 2}}).status_code == 200, "although the queue is full"
    assert http.post(RUNS, json={"conf": {"url": "d"}}).status_code == 429


def test_a_wrong_conf_is_refused_by_name(http, job, database):
    for conf, word in (
        ({"ulr": "b"}, "ulr"),
        ({"n": "many"}, "many"),
        ({"mcp_priority": 3}, "priority"),
        ({"url": "\0"}, ""),
    ):
        answer = http.post(RUNS, json={"conf": conf})
        assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json"), answer.text
        assert word in answer.json()["detail"]
    assert count(database) == 0


def test_other_wrong_requests(http, job, make_job):
    make_job("plain", tag="other")
    for body in (
        [],
        {"conf": 1},
        {"pripority": 1},
        {"priority": 1001},
        {"not_before": "2026-01-01T00:00:00"},
        {"key": ""},
    ):
        answer = http.post(RUNS, json=body)
        assert (answer.status_code, answer.json()["type"]) == (422, "urn:airflow-mcp:invalid_request"), body
        assert isinstance(answer.json()["detail"], str)
    for job_id in ("nothing", "plain", "a%00b"):
        answer = http.post(f"/jobs/{job_id}/runs", json={})
        assert (answer.status_code, answer.json()["type"]) == (404, "urn:airflow-mcp:not_found")
    assert http.post(RUNS, content=b"{", headers={"Content-Type": "application/json"}).status_code == 422


def test_not_before_is_a_time_and_the_past_gives_no_better_place(http, job):
    now = http.post(RUNS, json={}).json()
    assert http.post(RUNS, json={"not_before": "2020-01-01T00:00:00Z"}).json()["position"] == 2
    later = http.post(RUNS, json={"not_before": "2099-01-01T00:00:00+01:00"}).json()
    assert (now["position"], later["position"], later["eta"]) == (1, None, None)
    document = http.get(f"{RUNS}/{later['run']}").json()
    assert (document["reason"]["code"], document["not_before"]) == ("not_before", "2098-12-31T23:00:00Z")


def test_wait_returns_the_document_of_a_run_that_ends_in_time(http, job, set_run):
    with ThreadPoolExecutor(1) as pool:
        waits = pool.submit(http.post, RUNS, json={"key": "k"}, headers={"Prefer": "respond-async, wait=300"})
        until(lambda: http.get(RUNS).json()["runs"])
        run = http.get(RUNS).json()["runs"][0]["run"]
        set_run(run, DagRunState.SUCCESS, start_date=datetime.now(UTC), end_date=datetime.now(UTC))
        answer = waits.result(patient(60))
    assert (answer.status_code, answer.json()["state"]) == (200, "completed")
    assert answer.json()["document"]["run"] == run
    assert answer.headers["preference-applied"] == "respond-async, wait=300"


def test_wait_gives_up_after_its_time(http, job):
    answer = http.post(RUNS, json={}, headers={"Prefer": "wait=1"})
    assert (answer.status_code, answer.json()["document"], answer.json()["state"]) == (202, None, "queued")
    assert answer.headers["preference-applied"] == "wait=1"
    assert "preference-applied" not in http.post(RUNS, json={}).headers


def test_the_expected_start_follows_from_the_latest_runs(http, job, set_run):
    for _ in range(2):
        run = http.post(RUNS, json={}).json()["run"]
        begun = datetime.now(UTC) - timedelta(hours=1)
        set_run(run, DagRunState.SUCCESS, start_date=begun, end_date=begun + timedelta(seconds=1000))
    holder = http.post(RUNS, json={}).json()["run"]
    set_run(holder, DagRunState.RUNNING, start_date=datetime.now(UTC) - timedelta(seconds=400))
    answers = [http.post(RUNS, json={}).json() for _ in range(2)]
    etas = [(datetime.fromisoformat(one["eta"]) - datetime.now(UTC)).total_seconds() for one in answers]
    assert 500 < etas[0] <= 600
    assert 1500 < etas[1] <= 1600


def test_a_misspelt_param_is_named_rather_than_the_missing_one(http, make_job):
    make_job(text="params: {url: {type: string}}\nplan: {items: [1]}\nrun: {shell: x}")
    answer = http.post(RUNS, json={"conf": {"ulr": "a"}})
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:airflow-mcp:conf")
    assert answer.json()["detail"] == "unknown param 'ulr' of the job crawl; expected url"
    assert "url" in http.post(RUNS, json={"conf": {}}).json()["detail"]


def test_a_wrong_conf_is_told_before_a_full_queue(http, make_job):
    make_job(more="queue: {max_pending: 1}")
    assert http.post(RUNS, json={}).status_code == 202
    for conf in ({"n": "x"}, {"odd": 1}):
        answer = http.post(RUNS, json={"conf": conf})
        assert (answer.status_code, answer.json()["type"]) == (422, "urn:airflow-mcp:conf"), answer.text
    assert http.post(RUNS, json={"conf": {"n": 2}}).status_code == 429


def test_two_runs_may_have_the_same_earliest_start(http, job, database):
    body = {"not_before": "2099-01-01T00:00:00Z"}
    assert [http.post(RUNS, json=body).status_code for _ in range(2)] == [202, 202]
    assert count(database) == 2


@pytest.mark.parametrize("change", ["cancel", "retry"])
def test_null_is_the_same_as_no_body(http, job, set_run, change):
    run = http.post(RUNS, json={}).json()["run"]
    set_run(run, DagRunState.FAILED, start_date=datetime.now(UTC), end_date=datetime.now(UTC))
    answer = http.post(f"{RUNS}/{run}/{change}", content="null", headers={"Content-Type": "application/json"})
    assert answer.status_code == 200
