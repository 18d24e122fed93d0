"""Examples of values for the JSON Schema, for keys whose fields in the models have none.

Kept apart from the models, because a runner or a scheduler does not need them. tests/unit/spec/test_schema.py checks
that each key has an example, and that each example is valid.
"""

from typing import Any

_SLACK = {
    "notifier": "airflow.providers.slack.notifications.slack:SlackNotifier",
    "args": {"channel": "#ops"},
}

EXAMPLES: dict[str, dict[str, list[Any]]] = {
    "JobSpec": {
        "description": ["Crawl a site, and report its broken links."],
        "owner": ["web"],
        "tags": [["crawl", "example"]],
        "params": [{"url": {"type": "string", "format": "uri", "title": "Start at"}, "depth": {"default": 2}}],
        "steps": [
            [
                {"name": "search", "run": {"python": "my_pkg.sections:search"}},
                {"name": "write", "run": {"python": "my_pkg.sections:write"}},
            ]
        ],
        "report": [{"python": "my_pkg.crawl:summary"}, {"shell": 'wc -l < "$MCP_SUBTASK_OUTCOMES"'}],
        "subtasks": [{"key": "url", "parallelism": 8, "tolerate": "5%"}],
        "retries": [{"attempts": 5, "delay": "30s", "never_on": ["ValueError"]}],
        "timeouts": [{"soft": "9m", "hard": "10m", "run": "1h"}],
        "queue": [{"priority": 10, "max_pending": 100}],
        "schedule": [
            {"cron": "0 8 * * mon-fri", "timezone": "Europe/Berlin"},
            {"every": "15m"},
            {"after": ["crawl_site"]},
            {"watch": {"python": "my_pkg.inbox:pending"}},
        ],
        "on": [{"failure": _SLACK}, {"late": {**_SLACK, "after": "1h"}}],
        "pod": [{"image": "registry.example.com/team/jobs:7", "resources": {"requests": {"memory": "512Mi"}}}],
    },
    "Container": {
        "command": [["python", "visit.py", "{url}"]],
        "args": [["--depth", "{depth}"]],
        "env": [{"LANG": "C.UTF-8"}],
        "user": [1000],
    },
    "Notify": {"args": [{"channel": "#ops"}]},
    "NotifyLate": {"args": [{"channel": "#ops"}]},
    "On": {
        "failure": [_SLACK, [_SLACK]],
        "success": [_SLACK],
        "partial": [_SLACK],
        "late": [{**_SLACK, "after": "1h"}],
    },
    "Queue": {"max_pending": [100], "per_submitter": [3]},
    "Retries": {"never_on": [["ValueError", "my_pkg.errors.Gone"]], "only_on": [["ConnectionError"]]},
    "Step": {
        "wait": ["all"],
        "subtasks": [{"parallelism": 2}],
        "retries": [{"attempts": 5, "delay": "30s"}],
        "pod": [{"resources": {"requests": {"memory": "2Gi"}}}],
        "timeouts": [{"soft": "9m", "hard": "10m"}],
    },
    "StepSubtasks": {"parallelism": [2], "batch": [20], "depth": [10], "limit": [1000]},
    "StepTimeouts": {"soft": ["9m"], "hard": ["10m"]},
    "Subtasks": {"key": ["url", "{os} {python}"], "parallelism": [8], "tolerate": [3, "5%"]},
    "Timeouts": {"soft": ["9m"], "hard": ["10m"], "run": ["1h"], "queue": ["1d"]},
    "Secret": {"name": ["database"], "key": ["password"], "env": ["DB_PASSWORD"], "path": ["/secrets/database"]},
    "Volume": {
        "path": ["/data"],
        "claim": ["corpus"],
        "config_map": ["settings"],
        "empty": ["1Gi"],
        "host_path": ["/mnt/fast"],
        "sub_path": ["today"],
    },
    "Pod": {
        "image": ["registry.example.com/team/jobs:7"],
        "pull_secrets": [["registry"]],
        "resources": [{"requests": {"cpu": "500m", "memory": "512Mi"}, "limits": {"memory": "1Gi"}}],
        "ephemeral_storage": ["10Gi"],
        "env": [{"LANG": "C.UTF-8"}],
        "secrets": [[{"name": "database", "key": "password", "env": "DB_PASSWORD"}]],
        "volumes": [[{"path": "/data", "claim": "corpus", "read_only": True}]],
        "service_account": ["crawler"],
        "node_selector": [{"disk": "ssd"}],
        "tolerations": [[{"key": "spot", "operator": "Exists", "effect": "NoSchedule"}]],
        "affinity": [{"nodeAffinity": {}}],
        "priority_class": ["batch"],
        "labels": [{"team": "web"}],
        "annotations": [{"example.com/cost-center": "42"}],
        "security_context": [{"runAsUser": 1000}],
        "on_oom": [{"memory": "x2", "max": "8Gi"}],
        "override": [{"spec": {"terminationGracePeriodSeconds": 60}}],
    },
    "Resources": {
        "requests": [{"cpu": "500m", "memory": "512Mi"}],
        "limits": [{"memory": "1Gi"}],
    },
}
