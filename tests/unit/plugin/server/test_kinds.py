import pytest

from airflow_mcp_provider.plugin.server import kinds

NDJSON = [(b"accept", b"application/x-ndjson")]


@pytest.mark.parametrize(
    ("method", "path", "headers", "kind"),
    [
        ("GET", "/static/assets/index.js", [], None),
        ("GET", "/api/v2/monitor/health", [], kinds.HEALTH),
        ("GET", "/api/v2/version", [], kinds.HEALTH),
        ("GET", "/execution/health/ping", [], kinds.HEALTH),
        ("PATCH", "/execution/task-instances/x/run", [], kinds.RUNNER),
        ("GET", "/api/v2/dags/d/dagRuns", [], kinds.UI),
        ("POST", "/api/v2/dags/d/dagRuns", [], kinds.UI),
        ("GET", "/", [], kinds.UI),
        ("GET", "/ui/grid/runs/d", NDJSON, kinds.UI),
        ("GET", "/api/v2/dags/d/dagRuns/manual__2026-01-01T00:00:00+00:00/wait", [], kinds.WAIT),
        ("GET", "/api/v2/dags/d/dagRuns/r/taskInstances/t/logs/1", NDJSON, kinds.LOGS),
        ("GET", "/api/v2/dags/d/dagRuns/r/taskInstances/t/logs/1", [], kinds.UI),
        ("GET", "/api/v2/dags/wait/dagRuns/r", [], kinds.UI),
    ],
)
def test_kind(method, path, headers, kind):
    assert kinds.kind_of(method, path, headers) == kind


def test_heartbeats_are_urgent():
    assert kinds.is_urgent("/execution/task-instances/x/heartbeat")
    assert not kinds.is_urgent("/execution/task-instances/x/run")
    assert not kinds.is_urgent("/api/v2/dags/heartbeat")


def test_logs_leave_places_to_others():
    assert kinds.shares(8) == {"ui": 8, "runner": 8, "logs": 4}
    assert kinds.shares(1)["logs"] == 1
