"""An application as Prefect knows it."""

from pathlib import Path

from prefect import flow, task


@task(retries=3, retry_delay_seconds=5)
def count_words(path: str) -> int:
    return len(Path(path).read_text().split())


@flow
def count_all(folder: str) -> int:
    paths = map(str, Path(folder).glob("*.txt"))
    return sum(count_words.map(list(paths)).result())
