"""The report's verdict where the server has lost outcomes."""

from airflow_mcp_provider.operators.report import verdict, without_missing
from airflow_mcp_provider.spec import Tolerate

COUNTS = {"plan": "success", "reserved": 2, "succeeded": 2, "failed": 0, "skipped": 0, "failures": []}


def test_a_missing_outcome_is_a_failure():
    counts = without_missing({**COUNTS, "missing": 2})
    assert (counts["succeeded"], counts["failed"]) == (0, 2)
    assert "outcome is missing" in counts["failures"][0]["message"]
    assert verdict(counts, Tolerate.of(0)) == "failed"
    assert verdict(without_missing({**COUNTS, "missing": 0}), Tolerate.of(0)) == "complete"
