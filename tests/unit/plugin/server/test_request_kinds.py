import pytest

from airflow_mcp_provider.plugin.server import request_kinds

NDJSON = [(b"accept", b"application/x-ndjson")]


@pytest.mark.parametrize(
    ("method", "path", "headers", "kind"),
    [
        ("GET", "/static/assets/index.js", [], None),
        ("GET", "/api/v2/monitor/health", [], request_kinds.HEALTH),
        ("GET", "/api/v2/version", [], request_kinds.HEALTH),
        ("GET", "/execution/health/ping", [], request_kinds.HEALTH),
        ("PATCH", "/execution/task-instances/x/run", [], request_kinds.RUNNER),
        ("GET", "/api/v2/dags/d/dagRuns", [], request_kinds.UI),
        ("POST", "/api/v2/dags/d/dagRuns", [], request_kinds.SUBMIT),
        ("POST", "/api/v2/backfills", [], request_kinds.SUBMIT),
        ("POST", "/api/v2/assets/3/materialize", [], request_kinds.SUBMIT),
        ("POST", "/job-control/v1/jobs/d/runs", [], request_kinds.SUBMIT),
        ("POST", "/job-control/v1/jobs/d/runs/r/cancel", [], request_kinds.CONTROL),
        ("DELETE", "/job-control/v1/jobs/d/runs/r", [], request_kinds.CONTROL),
        ("POST", "/job-control/v1/jobs/d/pause", [], request_kinds.CONTROL),
        ("GET", "/job-control/v1/jobs/d/runs/r", [], request_kinds.UI),
        ("POST", "/execution/dag-runs/d/manual__2026", [], request_kinds.SUBMIT),
        ("POST", "/api/v2/dags/d/dagRuns/r/clear", [], request_kinds.UI),
        ("GET", "/", [], request_kinds.UI),
        ("GET", "/ui/grid/runs/d", NDJSON, request_kinds.UI),
        ("GET", "/api/v2/dags/d/dagRuns/manual__2026-01-01T00:00:00+00:00/wait", [], request_kinds.WAIT),
        ("GET", "/api/v2/dags/d/dagRuns/r/taskInstances/t/logs/1", NDJSON, request_kinds.LOGS),
        ("GET", "/api/v2/dags/d/dagRuns/r/taskInstances/t/logs/1", [], request_kinds.UI),
        ("GET", "/api/v2/dags/wait/dagRuns/r", [], request_kinds.UI),
        ("GET", "/job-control/v1/jobs/d/runs/r/events", [], request_kinds.FOLLOW),
        ("GET", "/job-control/v1/jobs/d/runs/r/logs", NDJSON, request_kinds.FOLLOW),
        ("GET", "/job-control/v1/jobs/d/runs/r/subtasks/a/b/logs", [], request_kinds.FOLLOW),
        ("GET", "/job-control/v1/jobs/d/runs/r/subtasks", [], request_kinds.UI),
    ],
)
def test_kind(method, path, headers, kind):
    assert request_kinds.kind_of(method, path, headers) == kind


def test_heartbeats_are_urgent():
    assert request_kinds.is_urgent("/execution/task-instances/x/heartbeat")
    assert not request_kinds.is_urgent("/execution/task-instances/x/run")
    assert not request_kinds.is_urgent("/api/v2/dags/heartbeat")


def test_logs_leave_places_to_others():
    assert request_kinds.shares(8) == {"ui": 8, "runner": 8, "submit": 4, "logs": 4, "control": 4}
    assert request_kinds.shares(1)["logs"] == 1
