"""The web shop of examples/ against the application; tests/integration/client runs it on a real Airflow."""

import json
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from airflow.utils.state import DagRunState

from tests.sizes import patient
from tests.unit.client.conftest import served

SHOP = Path(__file__).parents[3] / "examples" / "web_shop"


@pytest.fixture
def shop(url, make_job, monkeypatch):
    make_job("sales_report", text=(SHOP / "dags" / "jobs" / "sales_report.yaml").read_text())
    for name, value in (("URL", url), ("USER", "anna"), ("PASSWORD", "right")):
        monkeypatch.setenv(f"AIRFLOW_{name}", value)
    monkeypatch.syspath_prepend(SHOP)
    from shop import app

    with served(app) as own, httpx.Client(base_url=own, timeout=patient(60)) as client:
        yield client


def report(shop, name, click):
    return shop.post("/reports", json={"shop": name, "click": click})


def test_a_click_gives_a_report_with_its_place(shop):
    assert "Generate report" in shop.get("/").text
    first, again, other = report(shop, "one", "1"), report(shop, "one", "1"), report(shop, "two", "2")
    assert (first.status_code, first.json()["position"], other.json()["position"]) == (202, 1, 2)
    assert again.json()["run"] == first.json()["run"]
    same = report(shop, "one", "3")
    assert same.json()["run"] == first.json()["run"], "queue.unique: another click for the same report"
    assert shop.get(f"/reports/{other.json()['run']}").json()["note"] == "for two"


def test_a_full_queue_has_a_reason(shop):
    for number in range(10):
        assert report(shop, f"shop {number}", f"{number}").status_code == 202
    full = report(shop, "one more", "x")
    assert (full.status_code, full.headers["retry-after"]) == (429, "30")
    assert "max_pending" in full.json()["detail"]


def test_events_until_the_end_and_cancel(shop, set_run, once_followed):
    run = report(shop, "one", "1").json()["run"]
    other = report(shop, "two", "2").json()["run"]
    assert shop.post(f"/reports/{other}/cancel").json()["run"] == other
    once_followed(lambda: set_run(run, DagRunState.FAILED, end_date=datetime.now(UTC)), run)
    with shop.stream("GET", "/events", params={"run": [run, other]}) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        seen = [json.loads(line.removeprefix("data: ")) for line in stream.iter_lines() if line]
    states = [one["state"] for one in seen if one["run"] == run]
    assert (states[0], states[-1]) == ("queued", "error")
    assert [one["state"] for one in seen if one["run"] == other] == ["cancelled"]


def test_what_is_wrong(shop):
    wrong = report(shop, "", "1")
    assert wrong.status_code == 422
    assert "shop" in wrong.json()["detail"]
    assert shop.get("/reports/nope").status_code == 404
    assert shop.get("/events?run=nope").text == "", "a report that was deleted stops no other"
    assert shop.get("/events").status_code == 422
