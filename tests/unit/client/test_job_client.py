"""Each method against the real application."""

from datetime import UTC, datetime, timedelta

import pytest
from airflow.utils.state import DagRunState

from airflow_mcp_provider import errors
from airflow_mcp_provider.client import AsyncJobClient, JobClient
from airflow_mcp_provider.client.sending import client as connections
from tests.sizes import patient


def test_submit_and_read(jobs, job):
    first = jobs.submit("crawl", {"url": "ä/b"}, priority=3, note="by hand")
    assert (first.state, first.position) == ("queued", 1)
    run = jobs.run("crawl", first.run)
    assert (run.conf, run.priority, run.note, run.submitter) == ({"url": "ä/b"}, 3, "by hand", "anna")
    assert not run.done
    later = jobs.submit("crawl", not_before=datetime.now(UTC) + timedelta(hours=1))
    assert jobs.run("crawl", later.run).not_before is not None
    assert [one.run for one in jobs.runs("crawl", page=1)] == [later.run, first.run]
    assert jobs.find_runs(first.run)[0].job == "crawl"


def test_jobs_over_pages(jobs, make_job):
    for name in ("a", "b", "c"):
        make_job(name, more=f"tags: [t-{name}]")
    assert [one.job for one in jobs.jobs(page=1)] == ["a", "b", "c"]
    assert [one.job for one in jobs.jobs(search="job b")] == ["b"]
    assert [one.job for one in jobs.jobs(tag="t-c")] == ["c"]
    assert "url" in jobs.job("a").params["properties"]


def test_a_key_makes_a_submit_repeatable(jobs, job):
    assert jobs.submit("crawl", key="1").run == jobs.submit("crawl", key="1").run


def test_wait_and_result(jobs, job, set_run, once_followed):
    run = jobs.submit("crawl").run
    with pytest.raises(TimeoutError, match=r"is queued after 0\.1 s"):
        jobs.wait("crawl", run, timeout=0.1)
    once_followed(lambda: set_run(run, DagRunState.FAILED))
    assert jobs.wait("crawl", run, timeout=patient(30)).state == "error"
    with pytest.raises(errors.RunFailed) as seen:
        jobs.result("crawl", run)
    assert seen.value.state == "error"


def test_a_stream_ends_with_the_document_of_the_ended_run(jobs, job, set_run):
    run = jobs.submit("crawl").run
    states = []
    for document in jobs.stream("crawl", run):
        states.append(str(document.state))
        if document.state == "queued":
            set_run(run, DagRunState.FAILED, end_date=datetime.now(UTC))
    assert (states[0], states[-1]) == ("queued", "error")


def test_the_async_client_has_the_same_methods(jobs, url, job, set_run):
    import asyncio

    async def use():
        async with AsyncJobClient(url, user="bert", password="right") as client:
            run = (await client.submit("crawl", {"n": 2})).run
            assert [one.job async for one in client.jobs()] == ["crawl"]
            set_run(run, DagRunState.FAILED)
            assert (await client.wait("crawl", run)).submitter == "bert"
            assert [str(one.state) async for one in client.stream("crawl", run)] == ["error"]
            return await client.token()

    assert asyncio.run(use()) == "bert"
    public = {name for name in dir(JobClient) if not name.startswith("_")}
    assert public == {name for name in dir(AsyncJobClient) if not name.startswith("_")}


def test_errors_are_named_by_what_the_caller_does_next(url, jobs, make_job):
    make_job(more="queue: {max_pending: 1}")
    jobs.submit("crawl")
    with pytest.raises(errors.Refused) as full:
        jobs.submit("crawl")
    assert (full.value.limit, full.value.pending, full.value.retry_after, full.value.status) == (
        "max_pending",
        1,
        30,
        429,
    )
    assert "try again in 30 s" in str(full.value)
    assert f"POST {url}/job-control/v1/jobs/crawl/runs" in str(full.value)
    make_job("other")
    with pytest.raises(errors.InvalidRequest, match="ulr"):
        jobs.submit("other", {"ulr": "x"})
    with pytest.raises(errors.NotFound, match="run nope of the job crawl not found"):
        jobs.run("crawl", "nope")
    with pytest.raises(errors.NotFound):
        list(jobs.stream("crawl", "nope"))
    with JobClient(url, token="expired") as client, pytest.raises(errors.AccessDenied, match="use a valid token"):
        client.job("crawl")
    with JobClient(url, token="victor") as client, pytest.raises(errors.AccessDenied, match="permission"):
        client.submit("crawl")
    with JobClient(url, user="anna", password="wrong") as client, pytest.raises(errors.AccessDenied, match="user anna"):
        client.job("crawl")
    with JobClient(f"{url}/elsewhere", token="anna") as client, pytest.raises(errors.NotFound, match="check the URL"):
        client.job("crawl")
    with pytest.raises(errors.InvalidRequest, match="invalid URL"):
        JobClient("localhost:8080")


def test_no_server():
    with JobClient("http://127.0.0.1:9", token="x", patience=0.5) as client:
        with pytest.raises(errors.ServerUnavailable, match="cannot connect") as seen:
            client.job("crawl")
        assert not seen.value.reached
        with pytest.raises(errors.ServerUnavailable):
            list(client.stream("crawl", "r"))


def test_an_expired_token_is_renewed_with_the_password(url, job):
    with JobClient(url, token="expired", user="anna", password="right") as client:
        assert client.job("crawl").job == "crawl"


def test_a_slash_at_the_end_of_the_url_is_ignored(url):
    assert str(connections(f"{url}/", None, None, None, 1).base_url) == url


def test_control(jobs, job, set_run):
    run = jobs.submit("crawl").run
    jobs.set_priority("crawl", run, 7)
    assert jobs.run("crawl", run).priority == 7
    jobs.pause("crawl")
    assert jobs.job("crawl").paused
    jobs.resume("crawl")
    assert not jobs.job("crawl").paused
    cancelled = jobs.cancel("crawl", run, reason="not needed", grace=1)
    assert cancelled.run == run
    assert jobs.run("crawl", run).state == "cancelled"
    assert "not needed" in jobs.run("crawl", run).reason.text
    jobs.delete("crawl", run)
    with pytest.raises(errors.NotFound):
        jobs.run("crawl", run)
    with pytest.raises(errors.NotFound):
        jobs.cancel("crawl", run)


def test_a_change_that_the_state_of_the_run_does_not_allow(jobs, job, set_run):
    run = jobs.submit("crawl").run
    with pytest.raises(errors.Refused, match="look at the state"):
        jobs.retry("crawl", run)
