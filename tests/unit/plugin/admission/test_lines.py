"""The log lines of runs that are submitted: what they have, and that no value of a conf is in them."""

import pytest
from airflow.utils.state import DagRunState
from structlog.testing import capture_logs

from airflow_mcp_provider.plugin.admission.refusal import RunRefused
from tests.unit.plugin.admission.test_admit import submit

__all__ = ["submit"]
SECRET = "value-of-a-conf"
WHO = {"job": "crawl", "submitter": "anna", "log_level": "info"}


def test_an_admitted_run_is_requested_and_admitted_with_the_numbers_of_its_job(submit):
    submit = submit("{}")
    submit("one", state=DagRunState.RUNNING)
    with capture_logs() as lines:
        submit("two", {"url": SECRET})
    numbers = {"run": "two", "queued": 1, "running": 1}
    assert lines == [{**WHO, **numbers, "event": f"run {what}"} for what in ("requested", "admitted")]


@pytest.mark.parametrize(
    ("queue", "conf", "reason", "pending"),
    [("{max_pending: 1}", {"url": SECRET}, "max_pending", 1), ("{}", {"other": SECRET}, "conf", 0)],
)
def test_a_refused_run_is_requested_and_rejected_with_the_reason(submit, queue, conf, reason, pending):
    submit = submit(queue)
    submit("one")
    with capture_logs() as lines, pytest.raises(RunRefused):
        submit("two", conf)
    numbers = {"run": "two", "queued": 1, "running": 0}
    more = {"requested": {}, "rejected": {"reason": reason, "pending": pending}}
    assert lines == [{**WHO, **numbers, "event": f"run {what}", **fields} for what, fields in more.items()]
    assert SECRET not in str(lines)


def test_runs_of_the_scheduler_are_not_requested(submit):
    submit = submit("{}")
    with capture_logs() as lines:
        submit("one", run_type="scheduled")
    assert lines == []
