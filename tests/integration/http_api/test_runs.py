"""Submit, watch and read runs on a real API server and a real scheduler."""

from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

from airflow_mcp_provider.client.models import PREFIX
from tests.integration.http_api.conftest import until


def test_submit_and_wait_in_one_call(http):
    answer = http.post(
        f"{PREFIX}/jobs/watched/runs", json={"conf": {"count": 3}}, headers={"Prefer": "respond-async, wait=120"}
    )
    assert answer.status_code == 200, answer.text
    document = answer.json()["document"]
    assert (document["state"], document["done"], document["submitter"]) == ("completed", True, "uwe")
    assert document["result"] == {"names": ["root/0", "root/1", "root/2"]}
    assert (document["progress"]["known"], document["progress"]["done"], document["progress"]["fraction"]) == (
        3,
        3,
        1.0,
    )
    assert (document["error"], document["reason"]) == (None, None)
    again = http.get(document["links"]["self"])
    same = http.get(document["links"]["self"], headers={"If-None-Match": again.headers["ETag"]})
    assert (same.status_code, same.content) == (304, b"")


def test_the_same_key_at_the_same_instant(login):
    clients = [login("uwe") for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        sent = [pool.submit(client.post, f"{PREFIX}/jobs/once/runs", json={"key": "order/1"}) for client in clients]
        answers = [one.result() for one in sent]
    assert sorted(answer.status_code for answer in answers) == [200] * 7 + [202], [one.text for one in answers]
    assert len({answer.json()["run"] for answer in answers}) == 1
    listed = clients[0].get(f"{PREFIX}/jobs/once/runs").json()["runs"]
    assert [one["run"] for one in listed] == [answers[0].json()["run"]]
    assert clients[0].post(f"{PREFIX}/jobs/once/runs", json={"key": "order/1", "note": "x"}).status_code == 422


def test_a_run_from_the_queue_to_its_end(http, submit, tmp_path):
    file = tmp_path / "go"
    conf = {"count": 2, "kids": 2, "file": str(file), "fails": "root/1/1"}
    first = submit("watched", conf)
    second = submit("watched", {"count": 0})
    url = first["status_url"]
    running = until(
        lambda: (
            (found := http.get(url).json())["progress"]
            and found["progress"]["known"] == 6
            and found["progress"]["running"] == 4
            and found
        ),
        "6 subtasks, 4 of them running",
    )
    assert running["state"] == "running"
    assert (running["position"], running["progress"]["done"]) == (None, 0)
    message = until(lambda: http.get(url).json()["progress"]["message"], "message of progress")
    assert message.startswith("half of root/")
    waiting = http.get(second["status_url"]).json()
    assert (waiting["state"], waiting["position"]) == ("queued", 1)
    assert waiting["reason"] == {"code": "holder_running", "text": f"{first['run']} is running"}
    job = http.get(f"{PREFIX}/jobs/watched").json()
    assert (job["holder"]["run"], job["holder"]["submitter"], job["queued"]) == (first["run"], "uwe", 1)
    assert (job["schedule"], job["next_run"], job["paused"], job["error"]) == (None, None, False, None)
    assert [one["run"] for one in job["queue"]] == [second["run"]]
    assert job["last"][0]["run"] == second["run"]
    assert job["params"]["properties"]["count"] == {"type": "integer", "default": 2}
    _tree(http, running)
    file.touch()
    done = until(lambda: (found := http.get(url).json())["done"] and found, "end of the run")
    assert (done["state"], done["reason"]["code"], done["progress"]["failed"]) == ("partial", "partial", 1)
    assert http.get(second["status_url"], headers={"Prefer": "wait=120"}).json()["reason"]["code"] == "nothing_to_do"
    _after(http, done)


def _tree(http, run):
    subtasks = run["links"]["subtasks"]
    found = http.get(subtasks).json()["subtasks"]
    assert [(one["key"], one["parent"], one["depth"]) for one in found[:2]] == [
        ("root/0", None, 0),
        ("root/1", None, 0),
    ]
    children = http.get(subtasks, params={"parent": "root/1"}).json()["subtasks"]
    assert {(one["key"], one["depth"]) for one in children} == {("root/1/0", 1), ("root/1/1", 1)}
    assert len(http.get(subtasks, params={"state": "running"}).json()["subtasks"]) == 4
    assert [one["key"] for one in http.get(subtasks, params={"text": "1/0"}).json()["subtasks"]] == ["root/1/0"]


def _after(http, run):
    failed = http.get(run["links"]["subtasks"], params={"state": "failed"}).json()["subtasks"]
    assert [one["key"] for one in failed] == ["root/1/1"]
    one = http.get(f"{run['links']['subtasks']}/{quote('root/1/1', safe='')}").json()
    assert (one["attempt"], one["error"]["code"], one["error"]["text"]) == (2, "LookupError", "root/1/1 fails")
    assert [attempt["number"] for attempt in one["attempts"]] == [1, 2]
    lines = [line for line in http.get(one["log"]).text.splitlines() if line]
    assert any('"visiting root/1/1"' in line for line in lines), lines[:5]
    assert any('"attempt": 1' in line for line in http.get(one["log"], params={"attempt": 1}).text.splitlines())
    whole = http.get(run["links"]["logs"]).text
    assert all(f'"visiting root/{name}"' in whole for name in ("0", "1", "0/0", "1/1"))
