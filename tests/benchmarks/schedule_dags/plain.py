"""Plain DAGs of the shape of the jobs, with the same cron."""

import os

from airflow.sdk import DAG, CronTriggerTimetable, task


def plain(name: str) -> DAG:
    schedule = CronTriggerTimetable("*/5 * * * *", timezone="UTC")
    with DAG(name, schedule=schedule, max_active_runs=1, params={"site": "a"}) as dag:

        @task
        def plan() -> list[int]:
            return [1]

        @task
        def run(index: int) -> int:
            return index

        @task(trigger_rule="all_done")
        def report(results: list[int]) -> int:
            return len(results)

        report(run.expand(index=plan()))
    return dag


for number in range(int(os.environ["SCHEDULED"])):
    globals()[f"plain_{number}"] = plain(f"plain_{number}")
