"""What is done with each section, step by step, and the document that becomes of it."""

import re
from collections.abc import Iterable
from typing import Any

from airflow_mcp_provider.runtime import Outcome, progress
from sections.tool import ask

SENTENCES = 8
LONGEST_SENTENCE = 400
FEWEST_SOURCES = 2


class NothingFound(LookupError):
    """The corpus has nothing on a section: another attempt would find no more."""


def plan(params: dict[str, Any]) -> list[dict[str, Any]]:
    """Begin a subtask for each section."""
    asked = enumerate(params["sections"], start=1)
    return [{"title": section["title"], "query": section["query"], "number": number} for number, section in asked]


def search(subtask: dict[str, Any], params: dict[str, Any]) -> list[dict[str, str]]:
    """Ask the tool for passages."""
    found = ask(subtask["title"], _words(subtask), params["corpus"], params["busy"])
    if not found:
        raise NothingFound(f"no document has a word of {subtask['query']!r}")
    return [{"source": passage.source, "text": passage.text[:2000]} for passage in found]


def write(subtask: dict[str, Any]) -> dict[str, Any]:
    """Make a text of the sentences that say most, each with its source."""
    words = _words(subtask)
    said: dict[str, str] = {}
    for number, passage in enumerate(subtask["search"], start=1):
        progress(number / len(subtask["search"]), passage["source"])
        for sentence in _sentences(passage["text"]):
            if any(word in sentence.lower() for word in words):
                said.setdefault(sentence, passage["source"])
    best = sorted(said, key=lambda sentence: -sum(word in sentence.lower() for word in words))[:SENTENCES]
    return {"quotes": [{"text": sentence, "source": said[sentence]} for sentence in best]}


def review(subtask: dict[str, Any]) -> dict[str, Any]:
    """Hold what was written against what was found, and say what an editor should look at."""
    found = {passage["source"]: " ".join(passage["text"].split()) for passage in subtask["search"]}
    quotes = subtask["write"]["quotes"]
    invented = [quote["text"] for quote in quotes if quote["text"] not in found[quote["source"]]]
    if invented:
        raise ValueError(f"not in its source: {invented[0]!r}")
    thin = len({quote["source"] for quote in quotes}) < FEWEST_SOURCES
    return {"remarks": ["it leans on one source"] if thin else []}


def summary(outcomes: Iterable[Outcome], params: dict[str, Any]) -> dict[str, Any]:
    """Put the sections that went all the way in order, and name those that did not."""
    written: dict[str, Outcome] = {}
    remarks: dict[str, list[str]] = {}
    missing: list[dict[str, str]] = []
    for outcome in outcomes:
        if outcome.status != "success":
            told = outcome.error.message if outcome.error else "it was not begun"
            missing.append({"title": outcome.key, "step": outcome.step, "reason": told})
        elif outcome.step == "write":
            written[outcome.key] = outcome
        elif outcome.step == "review":
            remarks[outcome.key] = outcome.result["remarks"]
    ready = sorted((written[title] for title in remarks), key=lambda one: one.payload["number"])
    return {
        "project": params["project"],
        "sections": [one.key for one in ready],
        "text": "\n\n".join([f"# {params['project']}", *map(_shown, ready)]),
        "remarks": {title: told for title, told in remarks.items() if told},
        "missing": missing,
    }


def _shown(written: Outcome) -> str:
    lines = [f"{quote['text']} ({quote['source']})" for quote in written.result["quotes"]]
    return "\n".join([f"## {written.key}", "", *lines])


def _words(subtask: dict[str, Any]) -> list[str]:
    return subtask["query"].lower().split()


def _sentences(text: str) -> list[str]:
    plain = " ".join(text.split())
    return [part for part in re.split(r"(?<=[.!?]) ", plain) if part[-1:] in ".!?" and len(part) <= LONGEST_SENTENCE]
