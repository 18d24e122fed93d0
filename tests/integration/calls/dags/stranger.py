"""A DAG that is no job, whose task writes rows that belong to this package."""

from airflow.sdk import DAG, get_current_context, task
from airflow.sdk.exceptions import AirflowRuntimeError

with DAG("stranger", schedule=None, params={"rows": {}}):

    @task
    def plan():
        """Return what each write is answered with; the task is named as a job's, whose rows are looked at."""
        store = get_current_context()["task_state_store"]
        store.set("mine", 1)
        return {key: _answer(store, key, value) for key, value in get_current_context()["params"]["rows"].items()}

    def _answer(store, key, value):
        try:
            store.set(key, value)
        except AirflowRuntimeError as error:
            return error.error.detail["status_code"]
        return "kept"

    plan()
