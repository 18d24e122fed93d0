"""An application as Celery knows it."""

import os
from pathlib import Path

from celery import Celery, chord

app = Celery("words", broker=os.environ["BROKER"], backend=os.environ["BROKER"])


@app.task(bind=True, autoretry_for=(OSError,), max_retries=3, retry_backoff=True)
def count_words(self, path: str) -> int:
    return len(Path(path).read_text().split())


@app.task
def total(counts: list[int]) -> int:
    return sum(counts)


def count_all(folder: str) -> int:
    paths = map(str, Path(folder).glob("*.txt"))
    return chord(count_words.s(path) for path in paths)(total.s()).get(timeout=60)
