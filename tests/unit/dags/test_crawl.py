import pytest
from crawl.urls import normal, same_site

from tests.integration.templates.plain_crawl import crawl
from tests.integration.templates.site import served
from tests.sizes import FULL


@pytest.mark.parametrize(
    ("url", "base", "wanted"),
    [
        ("HTTP://Example.COM:80", "", "http://example.com/"),
        ("https://example.com:443/a?b=c#d", "", "https://example.com/a?b=c"),
        ("http://example.com:8080/A", "", "http://example.com:8080/A"),
        ("../c", "http://h/a/b/", "http://h/a/c"),
        ("?q", "http://h/a/b", "http://h/a/b?q"),
        ("//other/x", "https://h/", "https://other/x"),
        ("http://user:secret@h/", "", "http://h/"),
        ("http://[::1]:8080/", "", "http://[::1]:8080/"),
        ("mailto:a@b", "http://h/", None),
        ("http://[broken", "http://h/", None),
        ("http://h:port/", "", None),
    ],
)
def test_an_address_has_one_spelling(url, base, wanted):
    assert normal(url, base) == wanted


@pytest.mark.parametrize(
    ("url", "same"),
    [("https://h/", True), ("http://h:8080/", False), ("http://sub.h/", False), ("https://h:80/", False)],
)
def test_a_site_is_one_host_and_port(url, same):
    assert same_site(url, "http://h/") is same


@pytest.mark.parametrize("depth", [0, 1, 12])
def test_the_report_is_that_of_a_plain_crawl(local_run, depth):
    with served(60 if FULL else 30) as site:  # each visit is a process
        run = local_run("crawl_site", url=f"{site.url}/#top", depth=depth, delay=0, agent="test")
        report = retried(run)
        wanted = crawl(f"{site.url}/", depth)
    results = {outcome.key: outcome.result for outcome in run.outcomes if outcome.status == "success"}
    assert {url: page["status"] for url, page in results.items()} == wanted.statuses
    assert report["pages"] == len(wanted.statuses)
    assert report["bytes"] == sum(wanted.sizes.values())
    assert not [path for path in site.requests if path.startswith("/private/")]


def retried(run):
    """The server's moody pages answer 503 once: here nobody retries but we."""
    visit = run._visit

    def twice(*child):
        visit(*child)
        if run.outcomes[-1].status == "failed":
            run.outcomes.pop()
            visit(*child)

    run._visit = twice
    return run.run()


def test_a_page_that_stays_broken_is_a_problem_of_the_report(local_run):
    with served(8) as site:
        report = local_run("crawl_site", url=site.url, depth=3, delay=0).run()
    (problem,) = report["problems"]
    assert problem["url"] == f"{site.url}/page/7"
    assert "503" in problem["reason"]


def test_robots_may_be_ignored(local_run):
    with served(1) as site:
        local_run("crawl_site", url=site.url, depth=1, delay=0, robots=False).run()
    assert site.requests["/private/a"] == 1
    assert not site.requests["/robots.txt"]


def test_what_is_no_site_fails_the_plan(local_run):
    with pytest.raises(Exception, match="Connection refused"):
        local_run("crawl_site", url="http://127.0.0.1:1/").run()
