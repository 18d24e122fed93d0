"""Stands in for the server: responds to each request with a document, or with an error."""

import json
from datetime import UTC, datetime

from airflow_mcp_provider.client.models import PREFIX

NOW = datetime(2026, 1, 1, tzinfo=UTC).isoformat()


class Canned:
    """``documents`` are by path, or by path and query as ``path?name=value``; lists are sent as lines."""

    def __init__(self, documents):
        self.documents = documents
        self.calls = []

    async def send(self, call):
        self.calls.append(call)
        query = "&".join(f"{name}={value}" for name, value in call.query if name in {"cursor", "tag"})
        found = self.documents.get(f"{call.path}?{query}", self.documents.get(call.path))
        if isinstance(found, Exception):
            raise found
        if isinstance(found, list):
            return call.read("\n".join(map(json.dumps, found)).encode())
        return call.read(json.dumps(found).encode())


def job(name="crawl", **more):
    empty = {"params": {"type": "object", "properties": {}}, "spec": {}, "schedule": None, "queue": []}
    summary = {"description": None, "tags": [], "paused": False, "queued": 0, "holder": None, "next_run": None}
    return {"job": name, **summary, "error": None, "last": [], **empty, **more}


def run(name="r", state="completed", **more):
    ends = {"done": state not in {"queued", "running", "cancelling"}, "position": None, "reason": None, "priority": 0}
    times = {"submitter": "anna", "conf": {}, "submitted": NOW, "not_before": None, "started": NOW, "ended": None}
    links = dict.fromkeys(("self", "subtasks", "events", "logs", "job", "ui"), "/x")
    rest = {"progress": None, "result": None, "error": None, "note": None, "links": links}
    return {"job": "crawl", "run": name, "state": state, **ends, **times, **rest, **more}


def progress(**more):
    counts = dict.fromkeys(("known", "done", "failed", "skipped", "running"), 0)
    return {**counts, "fraction": None, "rate": None, "eta": None, "message": None, **more}


def subtask(key, **more):
    where = {"step": "run", "state": "failed", "parent": None, "depth": 0, "attempt": 2, "attempts": []}
    work = {"started": NOW, "ended": NOW, "fraction": None, "message": None, "payload": {}, "result": None}
    return {"key": key, **where, **work, "error": None, "task": "run", "map_index": 0, "log": "/x", **more}


RUN = f"{PREFIX}/jobs/crawl/runs/r"
