"""The lines of docs/metrics.md are in the logs of the servers, with their fields, and no value of a conf."""

import re
from pathlib import Path

import pytest

from tests.integration.metrics.conftest import SECRET

PAGE = Path(__file__).parents[3] / "docs" / "metrics.md"
ANSI = re.compile(r"\x1b\[[0-9;]*m")
FIELD = re.compile(r"\b(\w+)=('[^']*'|\S+)")
COMMON = {"job", "run", "queued", "running"}


def described() -> dict[str, set[str]]:
    """The table of lines: the names of their fields."""
    rows = re.findall(r"^\| `([a-z ]+)` \| [^|`]+ \| ([^|]*) \|$", PAGE.read_text(), re.MULTILINE)
    return {line: {*re.findall(r"`(\w+)`", fields), *COMMON} for line, fields in rows}


def lines(airflow, event: str, **wanted: str) -> list[dict[str, str]]:
    """The fields of each line of an event in the logs of the API server and the scheduler."""
    text = "".join(ANSI.sub("", airflow.processes.log(name).read_text()) for name in ("api-server-1", "scheduler-1"))
    found = [line for line in text.splitlines() if re.search(rf"\] {event}\s", line)]
    assert SECRET not in "".join(found)
    fields = [{name: value.strip("'") for name, value in FIELD.findall(line)} for line in found]
    return [one for one in fields if wanted.items() <= one.items()]


def test_the_table_has_the_steps_in_the_life_of_a_run():
    assert set(described()) == {"run requested", "run admitted", "run rejected", "run started", "run finished"}


@pytest.mark.parametrize("event", sorted(described()))
def test_a_line_has_its_fields(airflow, runs, event):
    found = lines(airflow, event, job="walk")
    assert found
    assert [one for one in found if not described()[event] <= one.keys()] == []


def test_the_lines_of_a_run_tell_its_way_through_the_queue(airflow, runs):
    first, second = ({"job": "walk", "run": run} for run in (runs.first, runs.second))
    (admitted,) = lines(airflow, "run admitted", **second)
    assert (admitted["queued"], admitted["running"], admitted["submitter"]) == ("1", "1", "admin")
    (rejected,) = lines(airflow, "run rejected", job="walk")
    assert (rejected["reason"], rejected["pending"], rejected["queued"], rejected["running"]) == (
        "max_pending",
        "1",
        "1",
        "1",
    )
    assert rejected["run"] not in {runs.first, runs.second}
    (started,) = lines(airflow, "run started", **second)
    assert (started["queued"], started["running"]) == ("0", "1")
    (finished,) = lines(airflow, "run finished", **first)
    assert (finished["state"], finished["queued"], finished["running"]) == ("success", "1", "0")


def test_no_log_of_a_server_has_the_value(airflow, runs):
    assert [log.name for log in airflow.processes.logs.glob("*.log") if SECRET in log.read_text()] == []
