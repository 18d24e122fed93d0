"""Subtasks with any key, their logs, and both in the command line."""

import json

import pytest

from airflow_mcp_provider import errors
from tests.unit.console.conftest import mcp, own_environment  # noqa: F401 - fixtures
from tests.unit.plugin.http_api.test_subtasks_and_logs import KEYS, log, played, set_state  # noqa: F401 - likewise

RUN = ("crawl", "one")


def test_each_key(played, jobs):  # noqa: F811 - the fixture
    found = list(jobs.subtasks(*RUN, page=2))
    assert [one.key for one in found] == KEYS
    # Starlette does not pass a path with a line break on to a mounted application.
    for one in (one for one in found if "\n" not in one.key):
        assert jobs.subtask(*RUN, one.key).map_index == one.map_index
    assert [one.key for one in jobs.subtasks(*RUN, text="a/l")] == ["a/logs"]
    with pytest.raises(errors.NotFound, match="subtask 'none'"):
        jobs.subtask(*RUN, "none")


def test_the_tree(played, jobs):  # noqa: F811 - the fixture
    assert [(one.key, one.children) for one in jobs.subtasks(*RUN, parent="", page=4)] == [(key, 0) for key in KEYS]
    assert list(jobs.subtasks(*RUN, parent="a/b")) == []
    assert {one.children for one in jobs.subtasks(*RUN)} == {None}


def test_logs(log, jobs):  # noqa: F811 - likewise
    log(1, "the first")
    log(2, "the second")
    assert "the first" in [one.event for one in jobs.logs(*RUN, "a/b")]
    places = {one.event: one.map_index for one in jobs.logs(*RUN)}
    assert (places["the first"], places["the second"]) == (1, 2)
    with pytest.raises(errors.NotFound):
        list(jobs.logs(*RUN, "none"))


def test_the_commands(log, mcp):  # noqa: F811 - likewise
    log(1, "the first")
    code, out, _ = mcp("tree", *RUN)
    assert code == 0
    assert "a/b" in out
    assert "\\n" in out
    assert [one["key"] for one in json.loads(mcp("tree", *RUN, "-o", "json")[1])] == KEYS
    assert "| the first" in mcp("logs", *RUN, "a/b")[1]
    assert "| the first" in mcp("logs", "one", "a/b")[1]
    lines = [json.loads(line) for line in mcp("logs", *RUN, "-o", "json")[1].splitlines()]
    assert "the first" in {line["event"] for line in lines}
    assert mcp("logs", *RUN, "none")[0] == 7
    assert mcp("logs", *RUN, "a", "b")[0] == 2
