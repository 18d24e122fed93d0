"""Documents as a server sends them."""

from airflow_mcp_provider.client.models import Run, RunState


def run_document(**more):
    """The JSON of a run's document."""
    links = dict.fromkeys(("self", "subtasks", "events", "logs", "job", "ui"), "/x")
    empty = dict.fromkeys(
        ("position", "reason", "not_before", "started", "ended", "progress", "result", "error", "note")
    )
    own = {
        "job": "crawl",
        "run": "r1",
        "state": "running",
        "done": False,
        "priority": 0,
        "submitter": "anna",
        "conf": {},
    }
    return {**empty, **own, "submitted": "2026-01-01T00:00:00Z", "links": links, **more}


def run(**more):
    """A run's document."""
    found = Run.model_validate(run_document(**more))
    assert found.done == RunState(found.state).done
    return found
