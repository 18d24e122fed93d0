"""The same job as each peer does it, by its own means: what the pages ``coming-from-…`` show on the left."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.integration.templates import redis_server
from tests.peers.conftest import environment

Python = Callable[..., str]


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with redis_server.served(tmp_path_factory.mktemp("redis")) as url:
        yield url.replace("//", f"//:{redis_server.PASSWORD}@")


def test_celery(python: Python, broker: str, folder: Path, words: int) -> None:
    worker = [sys.executable, "-m", "celery", "-A", "words_celery", "worker", "--pool", "solo", "-l", "ERROR"]
    with subprocess.Popen(worker, env=environment(broker)) as running:
        try:
            said = python("-c", f"import words_celery as w; print(w.count_all({str(folder)!r}))", broker=broker)
        finally:
            running.terminate()
    assert int(said) == words


def test_rq(python: Python, broker: str, folder: Path, words: int) -> None:
    found = python("-c", f"import words_rq as w; print(*w.enqueue_all({str(folder)!r}))", broker=broker).split()
    python("-m", "rq.cli", "worker", "--burst", "--url", broker, "words", broker=broker)
    result = "sum(Job.fetch(id, connection=words_rq.redis).return_value() for id in sys.argv[1:])"
    said = python("-c", f"import sys, words_rq; from rq.job import Job; print({result})", *found, broker=broker)
    assert int(said) == words


def test_prefect(python: Python, folder: Path, words: int) -> None:
    """Without a server of its own it starts one for the call: that alone takes it some 20 s."""
    assert (
        int(python("-c", f"import words_prefect as w; print(w.count_all({str(folder)!r}))").splitlines()[-1]) == words
    )
