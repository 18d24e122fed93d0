"""The last words of a runner that died before Airflow heard of it, from its pod's log: what a person wants to read.

Airflow writes one JSON object a line; an exception's frames alone are longer than what Kubernetes keeps of a log.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from kubernetes.client import CoreV1Api
from kubernetes.client.rest import ApiException

from airflow_mcp_provider.plugin.pods.reasons import LONGEST, Reason

LINES = 50
BAD = frozenset({"error", "critical"})


def told(api: CoreV1Api, pod: str, namespace: str, found: Reason) -> Reason:
    """Return ``found`` with them, where the log is still there and may be read."""
    try:
        log = api.read_namespaced_pod_log(pod, namespace, tail_lines=LINES)
    except ApiException:
        return found
    words = last_words(log or "")
    if not words:
        return found
    return replace(found, message=f"{found.message.partition('; its last')[0]}; its last words: {words[:LONGEST]}")


def last_words(log: str) -> str:
    """Return the exception, or else the last error, or else the last line; empty when there is nothing."""
    lines = [line for line in log.splitlines() if line.strip()]
    records = [record for line in lines if (record := _record(line))]
    for record in reversed(records):
        if record.get("exception"):
            return " <- ".join(f"{one['exc_type']}: {one['exc_value']}" for one in record["exception"])
    worst = [str(record.get("event", "")) for record in records if record.get("level") in BAD]
    return worst[-1] if worst else (lines[-1] if lines and not records else "")


def _record(line: str) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
