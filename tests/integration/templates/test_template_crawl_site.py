"""``crawl_site`` on a real Airflow: what it says of a site is what a plain breadth-first crawl says."""

from collections import Counter

from airflow_mcp_provider.embedded.airflow import Embedded
from tests.integration.templates.held import HeldKiller
from tests.integration.templates.plain_crawl import crawl
from tests.integration.templates.site import TRAP, served
from tests.sizes import FULL

PAGES = 2000 if FULL else 40
DEPTH = 25  # more than the way to any page, less than the trap is deep


def test_ten_killed_runners_change_nothing_of_the_report(airflow: Embedded) -> None:
    airflow.api.wait_for_dag("crawl_site")
    with served(PAGES) as site:
        run_id = airflow.api.trigger("crawl_site", {"url": site.url, "depth": DEPTH, "delay": 0})
        killer = HeldKiller(airflow, "crawl_site", run_id)
        assert killer.until_the_end(3600 if FULL else 500)["state"] == "success"
        wanted = crawl(f"{site.url}/", DEPTH)
    assert killer.killed.total() == 10
    result = airflow.api.xcom("crawl_site", run_id, "report")
    assert (result["state"], result["subtasks"], result["failed"]) == ("complete", len(wanted.statuses), 0)
    check(result["result"], wanted, site.url)
    assert not site.requests["/private/a"]


def check(report, wanted, url, depth=DEPTH):
    assert report["pages"] == len(wanted.statuses)
    assert report["by_status"] == {str(k): v for k, v in sorted(Counter(wanted.statuses.values()).items())}
    assert report["bytes"] == sum(wanted.sizes.values())
    gone = sorted(page for page, status in wanted.statuses.items() if status == 404)
    assert [broken["url"] for broken in report["broken"]] == gone
    for broken in report["broken"]:
        assert broken["linked_from"]
        assert all(broken["url"] in wanted.links[page] for page in broken["linked_from"])
    assert report["deepest"] == depth
    assert report["not_visited"] == [f"{url}/private/a", f"{url}{TRAP}{depth + 1}"]
    assert report["problems"] == []
