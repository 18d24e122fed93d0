"""Valid specs that set every key of the model, each with a value that is not its default."""

from collections.abc import Iterator
from random import Random
from typing import Any

Values = dict[str, Any]

NOTIFIER = "airflow.providers.smtp.notifications.smtp:SmtpNotifier"
PARAMS: Values = {
    "url": {"type": "string", "default": "https://example.com", "title": "Address"},
    "depth": {"type": "integer", "default": 2, "minimum": 0, "maximum": 9},
    "mode": {"type": ["string", "null"], "default": None, "enum": [None, "fast", "slow"]},
}
CONF: Values = {"url": "https://example.org", "depth": 3, "mode": "fast"}
DATED: Values = {"timezone": "Europe/Berlin", "start": "2026-12-01T00:00", "end": "2028-01-01T00:00"}
DUE: Values = {"jitter": "5m", "misfire_grace": "1h", "conf": CONF}
SCHEDULES: tuple[Values, ...] = (
    {"cron": "0 8 * * mon-fri", "coalesce": False, **DATED, **DUE},
    {"cron": ["30 2 * * *", "@weekly"], **DATED, **DUE},
    {"every": "15m", "coalesce": False, **DATED, **DUE},
    {"at": "2027-03-01T09:00", "timezone": "Asia/Kathmandu", **DUE},
    {"after": ["other", "another"], "misfire_grace": "1h", "conf": CONF},
    {"watch": {"python": "pkg.inbox:pending", "every": "45s", "timeout": "10s"}, "misfire_grace": "1h", "conf": CONF},
    {"watch": {"command": ["ls", "-1", "/inbox"], "every": "2m", "timeout": "5s"}, "misfire_grace": "1h", "conf": CONF},
)
ON: Values = {
    "failure": {"notifier": NOTIFIER, "args": {"to": "a@example.com", "subject": "failed"}},
    "success": [{"notifier": NOTIFIER}, {"notifier": NOTIFIER, "args": {"to": ["b@example.com"]}}],
    "partial": {"notifier": NOTIFIER, "args": {"to": "c@example.com"}},
    "late": {"after": "2h", "notifier": NOTIFIER, "args": {"to": "d@example.com"}},
}
POD: Values = {
    "image": "registry/work:1",
    "pull_policy": "Always",
    "pull_secrets": ["pull"],
    "resources": {"requests": {"cpu": "500m", "memory": "1Gi"}, "limits": {"memory": "2Gi"}},
    "ephemeral_storage": "3Gi",
    "env": {"MODE": "fast", "DEBUG": "1"},
    "secrets": [{"name": "db", "key": "password", "env": "DB_PASSWORD"}, {"name": "tls", "path": "/tls"}],
    "volumes": [{"path": "/data", "claim": "data", "sub_path": "in", "read_only": True}],
    "service_account": "worker",
    "service_account_token": True,
    "node_selector": {"disk": "ssd"},
    "tolerations": [{"key": "gpu", "operator": "Exists"}],
    "affinity": {"nodeAffinity": {}},
    "priority_class": "high",
    "labels": {"team": "web"},
    "annotations": {"note": "x"},
    "security_context": {"runAsUser": 1000},
    "on_oom": {"memory": "x1.5", "max": "8Gi"},
}
WORK: tuple[Values, ...] = ({"python": "pkg.work:run"}, {"command": ["echo", "{item}", "{depth}"]}, {"shell": "true"})
STEPS: list[Values] = [
    {"name": "search", "run": WORK[0], "retries": {"attempts": 5, "delay": "30s"}},
    {
        "name": "write",
        "run": WORK[1],
        "wait": "all",
        "timeouts": {"soft": "8m", "hard": "9m"},
        "subtasks": {"parallelism": 2, "batch": 3, "depth": 4, "limit": 50},
    },
]
PLANS: tuple[Values, ...] = ({"items": ["a", {"item": "b"}]}, {"python": "pkg.work:plan"}, {"shell": "echo '[]'"})
COMMON: Values = {
    "description": "Measure pages.\nEach of them.",
    "owner": "web",
    "tags": ["crawl", "example"],
    "params": PARAMS,
    "report": {"python": "pkg.work:report"},
    "subtasks": {"key": "item", "parallelism": 8, "batch": 2, "depth": 20, "limit": 99, "tolerate": "5%"},
    "retries": {"attempts": 4, "delay": "5s", "backoff": 1.5, "max_delay": "1m", "never_on": ["ValueError"]},
    "timeouts": {"soft": "9m", "hard": "10m", "run": "1h", "queue": "2h"},
    "queue": {
        "priority": 3,
        "per_submitter": 2,
        "rate": "10/min",
        "unique": ["url"],
        "overlap": "replace_waiting",
        "memory": "1Gi",
        "keep": "30d",
    },
    "on": ON,
    "pod": POD,
    "control": "local",
}
OPTIONAL = (
    "description",
    "owner",
    "tags",
    "report",
    "subtasks",
    "retries",
    "timeouts",
    "queue",
    "on",
    "pod",
    "control",
)


def whole(random: Random) -> Values:
    """A spec with every key of one kind of schedule, of plan and of work."""
    work = {"steps": STEPS} if random.random() < 0.3 else {"run": random.choice(WORK)}
    return {**COMMON, "plan": random.choice(PLANS), **work, "schedule": random.choice(SCHEDULES)}


def some(random: Random) -> Values:
    """A spec with some of the keys."""
    values = whole(random)
    for name in OPTIONAL:
        if random.random() < 0.5:
            del values[name]
    return values


FREE = (("params",), ("schedule", "conf"), ("pod", "env"), ("pod", "labels"), ("pod", "annotations"))
"""Mappings whose keys are the author's own."""


def keys(values: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Give the path of each key in all mappings of a spec."""
    pairs = values.items() if isinstance(values, dict) else enumerate(values) if isinstance(values, list) else ()
    for name, inner in pairs:
        if isinstance(values, dict):
            yield (*at, name)
        yield from keys(inner, (*at, name))


def is_free(path: tuple[Any, ...]) -> bool:
    """Whether the key at the path is the author's own, as those below params and args."""
    own = any(path[: len(free)] == free and len(path) > len(free) for free in FREE)
    return own or "args" in path[:-1] or path[:2] == ("plan", "items") or (path[:1] == ("pod",) and len(path) > 2)


def put(values: Any, path: tuple[Any, ...], change: Any) -> Any:
    """Return a copy of ``values`` in which ``change(mapping, key)`` was called with what is at the path."""
    copied = values.copy()
    if len(path) == 1:
        change(copied, path[0])
    else:
        copied[path[0]] = put(copied[path[0]], path[1:], change)
    return copied
