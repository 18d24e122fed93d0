"""What each tool returns for documents of any size: at most 8 KB, with what was left out and how to get it."""

import asyncio
import json

import pytest

from airflow_mcp_provider.agents import tools
from airflow_mcp_provider.agents.results import MOST_BYTES, RetryResult
from airflow_mcp_provider.agents.shorten import size
from airflow_mcp_provider.client.models import PREFIX
from airflow_mcp_provider.errors import AccessDenied, NotFound
from tests.unit.agents.canned import RUN, Canned, job, progress, run, subtask

ODD = 'ü"\n\0🙂' * 2000


def call(documents, tool, **given):
    async def main():
        return (await tools.call(Canned(documents), tool, given)).dump()

    found = asyncio.run(main())
    assert size(found) <= MOST_BYTES
    return found


def test_a_few_jobs():
    found = call({f"{PREFIX}/jobs": {"jobs": [job(description="Crawls.\nMore.")], "next": None}}, "list_jobs")
    assert found["jobs"] == [{"job": "crawl", "paused": False, "queued": 0, "spec_error": False}]
    assert found["from_job"] == {"descriptions": {"crawl": "Crawls."}}
    assert "left_out" not in found


def test_many_jobs_come_in_parts_and_none_is_missing():
    names = [f"{number:03}{'x' * 190}" for number in range(100)]
    rest, seen = names, []
    cursor = None
    while True:
        page = {"jobs": [job(name, description=ODD) for name in rest[:30]], "next": "more" if rest[30:] else None}
        found = call({f"{PREFIX}/jobs": page}, "list_jobs", **({"cursor": cursor} if cursor else {}))
        seen += [one["job"] for one in found["jobs"]]
        if (cursor := found.get("next")) is None:
            break
        assert cursor in found["left_out"][0]
        # The cursor of the server is the id of the last job.
        rest = names[len(seen) :]
        if not rest:
            break
    assert seen == names


def test_a_job_with_params():
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}}
    last = [{**_summary(f"r{number}")} for number in range(10)]
    document = job(params=schema, tags=["agents"], holder={"run": "h", "since": None, "submitter": None}, last=last)
    found = call({f"{PREFIX}/jobs/crawl": document}, "describe_job", job="crawl")
    assert found["from_job"] == {"params": schema, "tags": ["agents"]}
    assert found["active_run"] == "crawl/h"
    assert [one["run"] for one in found["latest"]] == [f"crawl/r{number}" for number in range(5)]


def _summary(name):
    times = {"submitted": "2026-01-01T00:00:00Z", "started": None, "ended": None}
    return {
        "job": "crawl",
        "run": name,
        "state": "completed",
        "done": True,
        "position": None,
        "submitter": None,
    } | times


def test_large_params_are_outlined_and_one_can_be_read_whole():
    properties = {f"p{n}": {"type": "string", "title": f"P {n}", "description": ODD[:900]} for n in range(20)}
    document = job(params={"type": "object", "properties": properties}, description=ODD, error=ODD, tags=[ODD, "a"])
    found = call({f"{PREFIX}/jobs/crawl": document}, "describe_job", job="crawl")
    assert found["from_job"]["params"]["properties"]["p3"] == {"type": "string", "title": "P 3"}
    assert "with the name of a param" in found["left_out"][0]
    one = call({f"{PREFIX}/jobs/crawl": document}, "describe_job", job="crawl", param="p3")
    assert one["from_job"]["params"]["properties"] == {"p3": properties["p3"]}


def test_params_that_are_too_many_have_names_and_one_that_is_too_large_its_beginning():
    properties = {f"p{n}": {"type": "string", "title": f"P {n}"} for n in range(1000)}
    properties["p3"]["enum"] = [ODD]
    document = job(params={"type": "object", "properties": properties})
    found = call({f"{PREFIX}/jobs/crawl": document}, "describe_job", job="crawl")
    assert found["from_job"]["params"]["properties"]["p3"] == {}
    one = call({f"{PREFIX}/jobs/crawl": document}, "describe_job", job="crawl", param="p3")
    assert one["from_job"]["params_text"].startswith('{"type":"string","title":"P 3","enum":["ü')
    assert "GET /job-control/v1/jobs/crawl" in one["left_out"][0]
    with pytest.raises(NotFound, match="unknown param 'x' of the job crawl; expected one of: p0, p1"):
        call({f"{PREFIX}/jobs/crawl": document}, "describe_job", job="crawl", param="x")


def test_the_status_of_a_run_with_long_texts():
    why = {"code": "failed", "text": ODD}
    document = run(state="error", reason=why, error=why, note=ODD, result=1, progress=progress(failed=2, message=ODD))
    found = call({RUN: document}, "job_status", run="crawl/r")
    assert (found["state"], found["done"], found["reason_code"]) == ("error", True, "failed")
    assert found["subtasks"]["failed"] == 2
    assert set(found["from_job"]) == {"reason", "error", "message", "note"}
    assert found["left_out"] == ["the result: call job_result", "why subtasks failed: call job_failures"]


def test_the_wait_is_one_of_the_server():
    canned = Canned({RUN: run(state="running")})
    asyncio.run(tools.call(canned, "job_status", {"run": "crawl/r", "wait": 7}))
    assert canned.calls[0].headers == (("Prefer", "wait=7"),)


def test_a_result_that_fits_is_a_value():
    found = call({RUN: run(result={"a": [1, None]})}, "job_result", run="crawl/r")
    assert found["from_job"] == {"result": {"a": [1, None]}}
    assert "left_out" not in found
    running = call({RUN: run(state="running")}, "job_result", run="crawl/r")
    assert running["left_out"] == ["the result: the run has not ended; call job_status with wait"]
    assert "from_job" not in running


@pytest.mark.parametrize("result", [ODD, {"text": ODD, "more": [ODD]}, "x" * 30_000, "…" * 9_000])
def test_a_longer_result_can_be_put_together(result):
    text, offset = "", 0
    while offset is not None:
        found = call({RUN: run(result=result)}, "job_result", run="crawl/r", offset=offset)
        part = found["from_job"]["result_text"]
        after = [one for one in found.get("left_out", ()) if one.startswith(f"characters {offset + len(part)} to")]
        offset = int(after[0].rpartition("=")[2]) if after else None
        text += part
    assert json.loads(text) == result
    assert len(text) == found["characters"]


def test_an_offset_after_the_end():
    found = call({RUN: run(result="x" * 9_000)}, "job_result", run="crawl/r", offset=10_000)
    assert found["left_out"] == ["everything: offset 10000; expected less than 9002"]


def test_failures_with_the_ends_of_their_logs():
    line = {"task": "run", "map_index": 0, "attempt": 2}
    log = [{**line, "event": "begin"}, {**line, "level": "error", "event": "end"}]
    trace = ["Traceback (most recent call last):", '  File "a.py", line 1, in f', "    secret = 1", "    ^^^^^^"]
    log[1:1] = [{**line, "level": "error", "event": event} for event in trace]
    why = {"code": "error", "text": "LookupError: x"}
    documents = {
        RUN: run(state="partial", progress=progress(failed=3)),
        f"{RUN}/subtasks": {"subtasks": [subtask("a", error=why)], "next": "1"},
        f"{RUN}/subtasks?cursor=1": {"subtasks": [subtask("b/c")], "next": "2"},
        f"{RUN}/subtasks/a/logs": log,
        f"{RUN}/subtasks/b%2Fc/logs": AccessDenied("forbidden", url="x", next_step="y"),
    }
    found = call(documents, "job_failures", run="crawl/r", limit=2)
    assert found["from_job"]["failures"] == [
        {"key": "a", "step": "run", "attempts": 2, "code": "error", "reason": "LookupError: x"}
        | {"log": ["begin", "error: end"]},
        {"key": "b/c", "step": "run", "attempts": 2, "log": ["the log cannot be read: forbidden"]},
    ]
    assert (found["failed"], found["next"]) == (3, "2")
    assert found["left_out"] == ["further failed subtasks: call job_failures with cursor '2'"]


@pytest.mark.parametrize("limit", [1, 5, 10])
def test_failures_with_long_texts_are_all_there_with_the_last_lines(limit):
    keys = [f"{number}{'ü' * 500}" for number in range(10)]
    why = {"code": "error", "text": ODD}
    log = [{"task": "run", "map_index": 0, "attempt": 1, "event": f"{number} {ODD}"} for number in range(15)]
    documents = {RUN: run(state="error", error=why, progress=progress(failed=10))}
    failed = [subtask(key, error=why, step="s" * 100) for key in keys[:limit]]
    documents[f"{RUN}/subtasks"] = {"subtasks": failed, "next": "1"}
    documents |= {f"{RUN}/subtasks/{key.replace('ü', '%C3%BC')}/logs": log for key in keys}
    found = call(documents, "job_failures", run="crawl/r", limit=limit)
    shown = found["from_job"]["failures"]
    assert [one["key"][0] for one in shown] == [str(number) for number in range(limit)]
    assert all(one["reason"] for one in shown)
    assert all(one["log"][-1].startswith("14 ") for one in shown)


def test_what_is_larger_than_it_can_be_is_left_out_and_named():
    found = RetryResult(run="r" * 9_000, state="x", subtasks=1).dump()
    assert found == {
        "state": "x",
        "subtasks": 1,
        "left_out": ["from_job and long fields: read them in Airflow's UI or over the HTTP API"],
    }
