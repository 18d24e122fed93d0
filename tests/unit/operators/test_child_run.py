from datetime import timedelta

import pytest

from airflow_mcp_provider.errors import SubtaskError
from airflow_mcp_provider.operators.child_run import Called
from airflow_mcp_provider.runtime.answer_types import ChildRun


@pytest.mark.parametrize(("waited", "pause"), [(0, 2), (8, 2), (40, 10), (10_000, 60)])
def test_the_longer_it_takes_the_longer_is_the_pause(waited, pause):
    for state in ("queued", "running"):
        assert Called(ChildRun("r", state, waited)).pause == timedelta(seconds=pause)
    assert Called(ChildRun("r", "success", waited)).pause is None


def test_the_result_is_what_the_report_returned_or_else_its_counts():
    assert Called(ChildRun("r", "success", 0, {"state": "complete", "result": 0})).result("b") == 0
    assert Called(ChildRun("r", "success", 0, {"state": "complete", "result": None})).result("b")["state"] == "complete"


def test_a_failed_run_tells_what_failed():
    report = {"failures": [{"key": "k", "message": "gone"}]}
    for known, told in ((report, "run r of b ended as failed; k: gone"), (None, "run r of b ended as failed")):
        with pytest.raises(SubtaskError) as raised:
            Called(ChildRun("r", "failed", 0, known)).result("b")
        assert (raised.value.args[0], raised.value.kinds) == (told, ("JobFailed",))
    with pytest.raises(SubtaskError, match="ended as None"):
        Called(ChildRun("r", None, 0)).result("b")  # it was deleted
