"""The provider metadata of this package, with the options of the configuration section ``[mcp]``."""

from __future__ import annotations

from typing import Any

QUEUE_OPTIONS: dict[str, dict[str, Any]] = {
    "gate": {
        "description": (
            "Whether a run of a job starts only when no other run of the same job is active, with any number of "
            "schedulers. The gate is a listener. As long as a listener is registered, Airflow rejects DAGs that "
            "have operators with end_from_trigger=True. To use such operators, set this option to False; then two "
            "runs of a job can overlap. Set the same value for every scheduler and API server."
        ),
        "version_added": "0.1.0",
        "type": "boolean",
        "example": None,
        "default": "True",
    },
    "gate_lock_timeout": {
        "description": (
            "How long (in seconds) the gate waits for a row lock on Postgres. After that the run stays queued and is "
            "examined again. With a value below Postgres's deadlock_timeout (1 s) the gate stops waiting before "
            "Postgres cancels one of the transactions."
        ),
        "version_added": "0.1.0",
        "type": "float",
        "example": None,
        "default": "0.5",
    },
    "queue_look_interval": {
        "description": (
            "How often (in seconds) a scheduler examines all queued runs of jobs. It fails runs that have been queued "
            "longer than timeouts.queue or schedule.misfire_grace of their job, and updates the notes of the others "
            "with the reason why they are queued. It also lets the next scheduled run of a job be created while other "
            "runs of the job are queued or running."
        ),
        "version_added": "0.1.0",
        "type": "float",
        "example": None,
        "default": "5",
    },
    "end_grace": {
        "description": (
            "How long (in seconds) the next run of a job waits after a run was cancelled or exceeded timeouts.run "
            "while its subtasks were running. Their processes detect this at their next heartbeat ([workers] "
            "min_heartbeat_interval), are then asked to end, and are killed 5 seconds later."
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
            "Whether a free slot goes to the run with the fewest queued and running task instances, among scheduled "
            "task instances with the same priority_weight. With False, Airflow's order applies: the run with the "
            "earlier logical date gets all slots as long as it has scheduled task instances. With True, a run with "
            "thousands of scheduled task instances is examined less often. The option applies to all DAGs. It is "
            "used by schedulers."
        ),
        "version_added": "0.1.0",
        "type": "boolean",
        "example": None,
        "default": "True",
    },
}

UI_OPTIONS: dict[str, dict[str, Any]] = {
    "ui": {
        "description": (
            "Which pages are added to Airflow's UI. all: the page Jobs in the navigation, the tab Job of each DAG, and "
            "the tab Subtasks of each run. Airflow shows the tabs for DAGs that are not jobs, too; there they have "
            "one line of text. nav: only the page Jobs. off: none. The option is used by API servers."
        ),
        "version_added": "0.1.0",
        "type": "string",
        "example": "nav",
        "default": "all",
    },
}

POD_OPTIONS: dict[str, dict[str, Any]] = {
    "container_service_account": {
        "description": (
            "The service account of the pods that run tasks whose work is a container: they create, monitor and "
            "delete the pod of the container. If empty, the service account of the pod template is used. Set it where "
            "DAGs are parsed."
        ),
        "version_added": "0.1.0",
        "type": "string",
        "example": None,
        "default": "airflow-containers",
    },
    "pod_override": {
        "description": (
            "What a job may set in `pod`. safe: no access to the node (host paths, host network, privileged "
            "containers, added capabilities, unsafe sysctls) and not the service account of "
            "container_service_account, both in `override` and in the other keys. any: everything that Kubernetes "
            "accepts. off: as safe, and without `override`. A spec that violates it is an import error of its DAG. Set "
            "it where DAGs are parsed; also enforce Pod Security Standards in the namespace of the workers' pods."
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
        "description": "Generates a DAG from a job spec; a run of it can add subtasks while it is active.",
        "versions": ["0.1.0"],
        "cli": ["airflow_mcp_provider.cli.definition.get_cli_commands"],
        "config": {
            "mcp": {
                "description": "Options of airflow-mcp-provider, a job control plane.",
                "options": {**QUEUE_OPTIONS, **SLOT_OPTIONS, **UI_OPTIONS, **POD_OPTIONS},
            },
        },
    }
