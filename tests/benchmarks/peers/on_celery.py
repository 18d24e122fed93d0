"""Jobs that do nothing, on Celery: a worker of two processes takes what is pending; prints its seconds."""

import os
import subprocess
import sys
import time

from celery import Celery
from redis import Redis

app = Celery("on_celery", broker=os.environ["REDIS"], backend=os.environ["REDIS"])


@app.task
def nothing(number: int) -> int:
    return number


def main(count: int) -> float:
    """Send, then time the worker from its start to the last result."""
    import on_celery

    server = Redis.from_url(os.environ["REDIS"])
    for number in range(count):
        on_celery.nothing.apply_async((number,))
    began = time.monotonic()
    command = [
        sys.executable,
        "-m",
        "celery",
        "-A",
        "on_celery",
        "worker",
        "-c",
        "2",
        "-l",
        "ERROR",
        "--without-gossip",
    ]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as worker:
        while sum(1 for _ in server.scan_iter("celery-task-meta-*", count=5000)) < count:
            assert worker.poll() is None
            time.sleep(0.05)
        took = time.monotonic() - began
        worker.terminate()
    server.flushall()
    return took


if __name__ == "__main__":
    sys.stdout.write(f"{main(int(sys.argv[1]))}\n")
