"""What the report counts from the pages that the server gives."""

import pytest
from msgspec.structs import replace

from airflow_mcp_provider.operators.run_result import ReportError, describe, summary, verdict
from airflow_mcp_provider.operators.tally import counted
from airflow_mcp_provider.runtime.answer_types import Counts, FailedSubtask, StepCounts, TallyPage
from airflow_mcp_provider.spec import Tolerate


def page(step="run", subtasks=2, failures=(), **ends):
    counts = {"subtasks": subtasks, "succeeded": 0, "failed": 0, "skipped": 0, **ends}
    return TallyPage({step: StepCounts(**counts)}, [FailedSubtask(key, "E", "no") for key in failures], None)


def tallied(known, pages):
    return counted(Counts(known, 0, 0, 0, 0, "success", {}), pages)


def ends(counts):
    return [counts.succeeded, counts.failed, counts.skipped]


def test_a_run_that_was_given_less_has_failed():
    counts = tallied(2, [page(succeeded=1)])
    assert (ends(counts), counts.failures[0].key) == ([1, 1, 0], "1 of 2 subtasks")
    assert verdict(counts, Tolerate.of(0)) == "failed"
    assert verdict(counts, Tolerate.of(1)) == "partial"


def test_pages_are_summed():
    counts = tallied(4, [page(subtasks=4, succeeded=2), page(subtasks=4, succeeded=1, failed=1, failures=["d"])])
    assert (ends(counts), [one.key for one in counts.failures], counts.steps) == ([3, 1, 0], ["d"], {})


def test_a_subtask_of_several_steps_is_one():
    counts = tallied(3, [page("a", 3, succeeded=2, failed=1, failures=["x"]), page("b", 2, succeeded=1, skipped=1)])
    assert ends(counts) == [1, 1, 1]
    assert counts.steps["b"] == StepCounts(subtasks=2, succeeded=1, failed=0, skipped=1)


def test_what_is_lost_in_each_step_makes_no_number_below_zero():
    counts = tallied(1, [page("a", 1), page("b", 1)])
    assert ends(counts) == [0, 1, 0]
    assert [one.step for one in counts.failures] == ["a", "b"]


def test_before_anything_was_planned():
    assert ends(tallied(0, [TallyPage({}, [], None)])) == [0, 0, 0]


@pytest.mark.parametrize("failures", [(), ("a", "b")])
def test_the_note_of_a_report_that_failed(failures):
    counts = tallied(3, [page(subtasks=3, succeeded=3 - len(failures), failed=len(failures), failures=failures)])
    error = ReportError("ValueError", "two\nlines " + "x" * 2_000)
    failed = replace(summary(counts, "complete"), state="failed", error=error)
    first, *more = describe(failed, "0", "success").splitlines()
    assert first.startswith("failed: the report failed: ValueError: two lines xxx")
    assert f"; {3 - len(failures)} of 3 subtasks succeeded" in first
    assert more == [f"{key}: no" for key in failures]
    assert len(first) < 700
