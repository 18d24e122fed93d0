"""The web shop of examples/ in front of a real Airflow: position, progress, result, cancel."""

import json

import httpx
import pytest

from tests.integration.client.shop import served
from tests.sizes import patient


@pytest.fixture(scope="module")
def shop(airflow):
    with served(airflow) as url, httpx.Client(base_url=url, timeout=patient(60)) as client:
        yield client


@pytest.fixture
def paused(jobs):
    """Let the reports wait until the test resumes their job."""
    jobs.pause("sales_report")
    yield
    jobs.resume("sales_report")


def events(shop, *runs):
    with shop.stream("GET", "/events", params={"run": runs}, timeout=patient(200)) as stream:
        for line in stream.iter_lines():
            if line.startswith("data: "):
                yield json.loads(line.removeprefix("data: "))


def test_the_page(shop):
    page = shop.get("/")
    assert page.headers["content-type"].startswith("text/html")
    assert "Generate report" in page.text


@pytest.mark.usefixtures("paused")
def test_position_progress_result_and_cancel(shop, jobs):
    first = shop.post("/reports", json={"shop": "one", "pause": 1, "click": "1"})
    assert first.status_code == 202
    again = shop.post("/reports", json={"shop": "one", "pause": 1, "click": "1"})
    assert again.json()["run"] == first.json()["run"]
    second = shop.post("/reports", json={"shop": "two", "click": "2"}).json()
    assert shop.get(f"/reports/{second['run']}").json()["position"] == 2
    cancelled = shop.post(f"/reports/{second['run']}/cancel")
    assert cancelled.is_success, cancelled.text
    both = []
    for one in events(shop, first.json()["run"], second["run"]):
        if not both:
            jobs.resume("sales_report")
        both.append(one)
    assert [one["state"] for one in both if one["run"] == second["run"]][-1] == "cancelled"
    seen = [one for one in both if one["run"] == first.json()["run"]]
    assert seen[-1]["state"] == "completed", seen[-1]
    assert seen[-1]["result"]["months"] == 12
    known = [one["progress"]["done"] for one in seen if one["progress"]]
    assert known == sorted(known)
    assert len(set(known)) > 2


def test_what_is_refused_has_a_text(shop):
    wrong = shop.post("/reports", json={"shop": "", "click": "3"})
    assert wrong.status_code == 422
    assert "shop" in wrong.json()["detail"]
    assert shop.get("/reports/nope").status_code == 404
