"""A plain DAG with a mapped task, without anything of ours: what an Airflow must be able to run."""

from airflow.sdk import dag, task


@dag(schedule=None)
def squares():
    @task
    def numbers() -> list[int]:
        return list(range(5))

    @task
    def square(number: int) -> int:
        return number * number

    @task
    def total(squares: list[int]) -> int:
        return sum(squares)

    total(square.expand(number=numbers()))


squares()
