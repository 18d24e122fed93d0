"""The same fan-out as people write it by hand: mapped tasks, all known beforehand."""

from datetime import timedelta

from airflow.sdk import DAG, task

with DAG("stock", schedule=None, max_active_runs=1, params={"width": 1, "sleep": 0}):

    @task
    def plan(params=None):
        return list(range(params["width"]))

    @task(retries=2, retry_delay=timedelta(seconds=1))
    def run(number):
        raise AssertionError(f"the executor of the swarm does {number}, not this")

    @task(trigger_rule="all_done")
    def report():
        return 0

    run.expand(number=plan()) >> report()
