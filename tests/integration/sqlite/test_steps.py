"""Steps on SQLite."""

from collections import Counter

from airflow_mcp_provider.embedded.airflow import Embedded
from tests.integration.steps.conftest import Record, Staged, Start, node

STAGES = ["search", "write", "review"]


def test_growth_failures_and_kills(airflow: Embedded, start: Start, record: Record) -> None:
    grows = node("grows", write="grow", children=[node("x1"), node("x2", review="fail")])
    dies = [node("dies", write="killed"), node("dies-late", search="killed_in_between")]
    run = Staged(airflow, "stages", start("stages", grows, *dies, node("fails", search="fail"), *map(node, "abcd")))
    whole = dict.fromkeys(["grows", "dies", "dies-late", *"abcd"], STAGES)
    assert run.reached() == {**whole, "x1": ["write", "review"], "x2": ["write"], "fails": []}
    assert (run.result["state"], run.result["subtasks"], run.result["failed"]) == ("partial", 10, 2)
    again = {name for name, times in Counter(record.begun()).items() if times > 1}
    assert again == {("dies", "write")}


def test_wait_all(airflow: Embedded, start: Start, record: Record) -> None:
    run = Staged(
        airflow, "barrier", start("barrier", node("g", search="grow", children=[node("x")]), *map(node, "abc"))
    )
    steps = [line["step"] for line in record.lines]
    assert steps == ["search"] * 10 + ["write"] * 10
    assert run.result["state"] == "complete"
