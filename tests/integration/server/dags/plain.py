"""A DAG of Airflow's own, whose runs only wait."""

from airflow.sdk import DAG, task

with DAG("plain", schedule=None, max_active_runs=1, is_paused_upon_creation=True):

    @task
    def nothing():
        return None

    nothing()
