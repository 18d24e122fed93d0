"""What this package tells Airflow's provider manager about itself."""

from __future__ import annotations

from typing import Any

QUEUE_OPTIONS: dict[str, dict[str, Any]] = {
    "gate": {
        "description": (
            "Whether a run of a job starts only when no other run of it is active, whatever number of schedulers "
            "there are. The gate is a listener, and while there is any listener Airflow refuses DAGs that have "
            "operators with end_from_trigger=True: who needs those must turn it off, and then two runs of a job can "
            "overlap. Give every scheduler and API server the same value."
        ),
        "version_added": "0.1.0",
        "type": "boolean",
        "example": None,
        "default": "True",
    },
    "gate_lock_timeout": {
        "description": (
            "Seconds that a decision of the gate waits for a row lock, on Postgres. The run stays queued and is "
            "looked at again. Below Postgres's deadlock_timeout (1 s) the gate gives way before Postgres cancels a "
            "transaction."
        ),
        "version_added": "0.1.0",
        "type": "float",
        "example": None,
        "default": "0.5",
    },
    "queue_look_interval": {
        "description": (
            "Seconds between two looks of a scheduler at all queued runs of jobs: runs that waited longer than their "
            "job's timeouts.queue are ended then, and notes say what the others wait for."
        ),
        "version_added": "0.1.0",
        "type": "float",
        "example": None,
        "default": "5",
    },
    "end_grace": {
        "description": (
            "Seconds for which a run that was ended from outside (cancelled, or timeouts.run passed) keeps its job's "
            "slot when subtasks of it were running: their processes hear of it at their next heartbeat "
            "([workers] min_heartbeat_interval), and get 5 s to end before they are killed."
        ),
        "version_added": "0.1.0",
        "type": "float",
        "example": None,
        "default": "15",
    },
}

SLOT_OPTIONS: dict[str, dict[str, Any]] = {
    "fair_share": {
        "description": (
            "Whether a free slot goes to the run that has the fewest queued and running task instances, among ready "
            "task instances of the same priority_weight. False leaves the order to Airflow: the run with the earlier "
            "logical date gets every slot as long as it has something ready. With it, a run of thousands of ready task "
            "instances is looked at less often. It holds for all DAGs. Read in schedulers."
        ),
        "version_added": "0.1.0",
        "type": "boolean",
        "example": None,
        "default": "True",
    },
}

POD_OPTIONS: dict[str, dict[str, Any]] = {
    "container_service_account": {
        "description": (
            "The service account of the pods of runners whose work is a container: they make a pod for it, follow it "
            "and delete it. Empty: that of the pod template. Read where DAGs are."
        ),
        "version_added": "0.1.0",
        "type": "string",
        "example": None,
        "default": "airflow-containers",
    },
    "pod_override": {
        "description": (
            "What a job may say in `pod`. safe: nothing that reaches beyond the pod (folders and networks of the node, "
            "privileges, capabilities, unsafe sysctls, the account of container_service_account), in `override` as in "
            "the fields beside it. any: everything that Kubernetes takes. off: safe, and no `override`. What a spec "
            "says against it is an error when its DAG is read. Read where DAGs are; give the namespace of the runners "
            "Pod Security as well."
        ),
        "version_added": "0.1.0",
        "type": "string",
        "example": "any",
        "default": "safe",
    },
}


def get_provider_info() -> dict[str, Any]:
    """Return the provider's metadata."""
    return {
        "package-name": "airflow-mcp-provider",
        "name": "MCP: a job control plane",
        "description": "A short job spec becomes one DAG whose subtasks grow while it runs.",
        "versions": ["0.1.0"],
        "cli": ["airflow_mcp_provider.cli.definition.get_cli_commands"],
        "config": {
            "mcp": {
                "description": "Settings of airflow-mcp-provider, the job control plane.",
                "options": {**QUEUE_OPTIONS, **SLOT_OPTIONS, **POD_OPTIONS},
            },
        },
    }
