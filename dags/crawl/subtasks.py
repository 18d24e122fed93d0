"""The functions that the job names: ``plan`` finds the start page, ``visit`` does one page and enqueues its links."""

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.robotparser import RobotFileParser

import httpx

from airflow_mcp_provider.errors import LimitReached
from airflow_mcp_provider.runtime import enqueue_many

from .page import PATIENCE, Page, ServerFailed, fetch
from .urls import LONGEST, normal, same_site

_LONGEST_RULES = 16_000  # of robots.txt, in characters: they travel with every page
_LONGEST_LINKS = 40_000  # of a result, in characters
_ERRORS = 500


def plan(params: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the start page, with the site's rules. Raises where the site does not answer."""
    start = normal(params["url"])
    if start is None:
        raise ValueError(f"url: {params['url']} is no address of a web page; give http://… or https://…")
    return [{"url": start, "depth": 0} | _rules(start, params)]


def visit(subtask: Mapping[str, Any], params: Mapping[str, Any]) -> dict[str, Any]:
    """Visit a page; enqueue what it links to on its site."""
    robots = _robots(subtask)
    time.sleep(max(params["delay"], float(robots.crawl_delay(params["agent"]) or 0)))
    page = fetch(subtask["url"], params["agent"])
    inside = [url for url in page.links if same_site(url, subtask["url"])]
    why = {url: _why_not(url, subtask, params, robots) for url in inside}
    try:
        enqueue_many({**subtask, "url": url, "depth": subtask["depth"] + 1} for url in inside if not why[url])
    except LimitReached:  # the report names what was not visited
        why = {url: reason or "limit" for url, reason in why.items()}
    return _result(page, inside, Counter(reason for reason in why.values() if reason))


def _rules(start: str, params: Mapping[str, Any]) -> dict[str, str]:
    if not params["robots"]:
        return {}
    address = normal("/robots.txt", start) or start
    answer = httpx.get(address, headers={"User-Agent": params["agent"]}, timeout=PATIENCE, follow_redirects=True)
    if answer.status_code >= _ERRORS:
        raise ServerFailed(f"{address}: {answer.status_code}: nobody knows what is allowed there")
    text = answer.text if answer.is_success else ""
    if len(text) > _LONGEST_RULES:
        raise ValueError(
            f"{address} has {len(text)} characters, {_LONGEST_RULES} are taken; see to it that the crawl "
            "is welcome, and say robots: false"
        )
    return {"robots": text} if text.strip() else {}


def _robots(subtask: Mapping[str, Any]) -> RobotFileParser:
    robots = RobotFileParser()
    robots.parse(subtask.get("robots", "").splitlines())
    return robots


def _why_not(url: str, subtask: Mapping[str, Any], params: Mapping[str, Any], robots: RobotFileParser) -> str:
    if len(url) > LONGEST:
        return "long"
    if not robots.can_fetch(params["agent"], url):
        return "robots"
    return "depth" if subtask["depth"] >= params["depth"] else ""


def _result(page: Page, inside: list[str], left: Mapping[str, int]) -> dict[str, Any]:
    return {
        "status": page.status,
        "kind": page.kind,
        "bytes": page.size,
        "seconds": page.seconds,
        "title": page.title,
        "links": [*_that_fit(inside)],
        "outside": len(page.links) - len(inside),
        "left": dict(left),
    }


def _that_fit(urls: list[str]) -> Iterator[str]:
    room = _LONGEST_LINKS
    for url in urls:
        room -= len(url) + 4
        if room < 0:
            return
        yield url
