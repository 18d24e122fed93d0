"""Airflow's cluster policy: who runs the subtasks. Airflow finds this module by its name on the path."""

DAGS = ("swarm", "stock")


def task_policy(task):
    """Give the subtasks to the simulated runners; plan and report stay with the default executor."""
    if task.dag_id not in DAGS or task.task_id != "run":
        return
    if hasattr(task, "partial_kwargs"):
        task.partial_kwargs["executor"] = "swarm"
    else:
        task.executor = "swarm"
