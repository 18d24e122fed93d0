"""An application as RQ knows it."""

import os
from pathlib import Path

from redis import Redis
from rq import Queue, Retry
from rq.decorators import job

redis = Redis.from_url(os.environ["BROKER"])


@job("words", connection=redis)
def count_words(path: str) -> int:
    return len(Path(path).read_text().split())


def enqueue_all(folder: str) -> list[str]:
    queue = Queue("words", connection=redis)
    paths = map(str, Path(folder).glob("*.txt"))
    return [queue.enqueue(count_words, path, retry=Retry(max=3)).id for path in paths]
