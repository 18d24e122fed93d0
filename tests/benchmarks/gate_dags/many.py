"""200 jobs and 200 plain DAGs of the same shape."""

from airflow.sdk import DAG, task

from airflow_mcp_provider.factory import build_dag
from airflow_mcp_provider.spec import parse_job

COUNT = 200


def plain(name: str) -> DAG:
    with DAG(name, schedule=None, max_active_runs=1) as dag:

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


for number in range(COUNT):
    globals()[f"plain_{number}"] = plain(f"plain_{number}")
    spec = parse_job("plan: {items: [1]}\nrun: {shell: 'true'}\n", id=f"job_{number}")
    globals()[f"job_{number}"] = build_dag(spec)
