"""``schedule.watch``: one form, times within limits, no passwords."""

from datetime import timedelta

import pytest

from airflow_mcp_provider.errors import SpecError
from airflow_mcp_provider.spec.watch import Watch


@pytest.mark.parametrize(
    ("given", "check"),
    [
        ({"python": "inbox:pending"}, {"python": "inbox:pending"}),
        ({"command": ["jq", "-c", "{n: 1}", 5]}, {"command": ["jq", "-c", "{n: 1}", "5"]}),
        (
            {"queue": "redis+pubsub", "args": {"channels": ["uploads"]}},
            {"queue": "redis+pubsub", "args": {"channels": ["uploads"]}},
        ),
        ({"queue": "kafka://broker/topic"}, {"queue": "kafka://broker/topic", "args": {}}),
    ],
)
def test_the_forms(given, check):
    watch = Watch(**given)
    assert watch.check == check
    assert (watch.every, watch.timeout) == (timedelta(seconds=30), timedelta(seconds=20))


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({}, "missing key; expected exactly one of python, command, queue"),
        ({"python": "a:b", "queue": "sqs"}, "conflicting keys python and queue"),
        ({"python": "a:b", "args": {"x": 1}}, "conflicting keys python and args; expected args only with queue"),
        ({"python": "a.b"}, 'python: invalid function "a.b"'),
        ({"command": []}, "command: missing program"),
        ({"python": "a:b", "every": "500ms"}, 'every: duration too short: "500ms"; expected 1s or more'),
        ({"python": "a:b", "timeout": "1h"}, 'timeout: duration too long: "1h"; expected at most 10m'),
        ({"queue": "redis://user:hunter2@host/0"}, "queue: unsupported password in the URI of a queue (hidden)"),
    ],
)
def test_errors(given, error):
    with pytest.raises(SpecError) as raised:
        Watch(**given)
    assert error in str(raised.value)
    assert "hunter2" not in str(raised.value)
