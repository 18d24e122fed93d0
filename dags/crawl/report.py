"""Fold the pages into what a site's owner asks: what is there, what is broken and who links to it, what is slow."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from heapq import nlargest
from typing import Any

from airflow_mcp_provider.runtime import Outcome

_NAMED = 50  # broken links, problems, pages that were not visited
_SLOWEST = 10
_LINKED_FROM = 3
_OK, _MOVED, _BROKEN = 200, 300, 400


@dataclass
class _Site:
    """What is known so far; ``linked`` names for each address the first pages that link to it."""

    statuses: dict[str, int] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    linked: dict[str, list[str]] = field(default_factory=dict)
    problems: list[dict[str, str]] = field(default_factory=list)
    sums: Counter[str] = field(default_factory=Counter)
    deepest: int = 0

    def add(self, outcome: Outcome) -> None:
        self.deepest = max(self.deepest, outcome.payload["depth"])
        if outcome.status != "success":
            reason = outcome.error.message if outcome.error else "not started"
            self.problems.append({"url": outcome.key, "reason": reason[:300]})
            return
        page = outcome.result
        self.statuses[outcome.key] = page["status"]
        self.seconds[outcome.key] = page["seconds"]
        self.sums.update(bytes=page["bytes"], outside=page["outside"])
        for url in page["links"]:
            sources = self.linked.setdefault(url, [])
            if len(sources) < _LINKED_FROM:
                sources.append(outcome.key)

    def broken(self) -> list[dict[str, Any]]:
        found = sorted((url, status) for url, status in self.statuses.items() if status >= _BROKEN)
        return [{"url": url, "status": status, "linked_from": self.linked.get(url, [])} for url, status in found]

    def not_visited(self) -> list[str]:
        tried = {problem["url"] for problem in self.problems}
        return sorted(self.linked.keys() - self.statuses.keys() - tried)


def summary(outcomes: Iterable[Outcome]) -> dict[str, Any]:
    """Return the site's facts; long lists are cut, their lengths are told."""
    site = _Site()
    for outcome in outcomes:
        site.add(outcome)
    broken, left = site.broken(), site.not_visited()
    slowest = nlargest(_SLOWEST, site.seconds.items(), key=lambda page: page[1])
    return {
        "pages": len(site.statuses),
        "by_status": {str(status): count for status, count in sorted(Counter(site.statuses.values()).items())},
        "bytes": site.sums["bytes"],
        "deepest": site.deepest,
        "links_outside": site.sums["outside"],
        "broken": broken[:_NAMED],
        "broken_total": len(broken),
        "not_visited": left[:_NAMED],
        "not_visited_total": len(left),
        "problems": site.problems[:_NAMED],
        "problems_total": len(site.problems),
        "slowest": [{"url": url, "seconds": seconds} for url, seconds in slowest],
    }
