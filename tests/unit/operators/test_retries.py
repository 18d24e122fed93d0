from __future__ import annotations

import pytest
from airflow.sdk.definitions.retry_policy import RetryAction

from airflow_mcp_provider.errors import HardTimeout, InvalidRow, LimitReached, SpecError, SubtaskError
from airflow_mcp_provider.operators.retries import NamedRetryPolicy


def failure(*kinds: str) -> SubtaskError:
    return SubtaskError("x", kinds=kinds)


@pytest.mark.parametrize(
    ("policy", "error", "action"),
    [
        ({}, failure("ValueError", "Exception"), RetryAction.DEFAULT),
        ({"never_on": ["ValueError"]}, failure("ValueError", "Exception"), RetryAction.FAIL),
        ({"never_on": ["Exception"]}, failure("ValueError", "Exception"), RetryAction.FAIL),
        ({"never_on": ["Blocked"]}, failure("my.errors.Blocked", "OSError"), RetryAction.FAIL),
        ({"never_on": ["my.errors.Blocked"]}, failure("my.errors.Blocked"), RetryAction.FAIL),
        ({"never_on": ["other.Blocked"]}, failure("my.errors.Blocked"), RetryAction.DEFAULT),
        ({"never_on": ["locked"]}, failure("my.errors.Blocked"), RetryAction.DEFAULT),
        ({"only_on": ["OSError"]}, failure("ConnectionError", "OSError"), RetryAction.DEFAULT),
        ({"only_on": ["OSError"]}, failure("ValueError"), RetryAction.FAIL),
        ({"only_on": ["HardTimeout"]}, HardTimeout("too long"), RetryAction.DEFAULT),
        ({}, LimitReached("full"), RetryAction.FAIL),
        (
            {},
            failure("airflow_mcp_provider.errors.InvalidPayload", "airflow_mcp_provider.errors.EnqueueRefused"),
            RetryAction.FAIL,
        ),
        ({}, SpecError("no such function"), RetryAction.FAIL),
        ({}, InvalidRow("the row mcp.item is damaged"), RetryAction.FAIL),
    ],
)
def test_decides_by_name(policy, error, action):
    decision = NamedRetryPolicy(**policy).evaluate(error, 1, 3)
    assert decision.action is action
    assert bool(decision.reason) is (action is RetryAction.FAIL)
