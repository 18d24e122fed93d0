"""Jobs that do nothing, on RQ: two workers in burst mode take what is pending; prints their seconds."""

import os
import subprocess
import sys
import time
from pathlib import Path

from redis import Redis
from rq import Queue


def nothing(number: int) -> int:
    return number


def main(count: int) -> float:
    """Enqueue, then time the workers from their start to their end, as ``rq worker --burst`` is used."""
    import on_rq

    queue = Queue(connection=Redis.from_url(os.environ["REDIS"]))
    queue.enqueue_many([Queue.prepare_data(on_rq.nothing, (number,)) for number in range(count)])
    rq = str(Path(sys.executable).with_name("rq"))
    began = time.monotonic()
    command = [rq, "worker", "--burst", "--quiet", "--url", os.environ["REDIS"]]
    workers = [subprocess.Popen(command) for _ in range(2)]
    assert [worker.wait() for worker in workers] == [0, 0]
    took = time.monotonic() - began
    assert queue.finished_job_registry.count == count
    queue.connection.flushall()
    return took


if __name__ == "__main__":
    sys.stdout.write(f"{main(int(sys.argv[1]))}\n")
