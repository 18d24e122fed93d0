"""Work that waits: files of a folder, or a list in Redis. Each run takes a share of it."""

import os
import time
from pathlib import Path

import redis

SHARE = 4
ROOT = Path(os.environ.get("MCP_TEST_INBOX", "/nonexistent"))


def folder(job):
    return ROOT / job


def check_files():
    if names := sorted(path.name for path in folder("files").glob("*.txt")):
        return {"first": names[0]}
    return None


def plan_files(params: dict):
    """The first name is that of the check: the conf of the run."""
    return [{"item": path.name} for path in sorted(folder("files").glob("*.txt"))[:SHARE]]


def plan_second():
    return [{"item": path.name} for path in sorted(folder("second").glob("*.txt"))[:SHARE]]


def work(subtask: dict):
    _take("files", subtask["item"])


def work_second(subtask: dict):
    _take("second", subtask["item"])


def _take(job, name):
    time.sleep(0.2)
    (folder(job) / name).rename(folder(job) / f"{name}.done")


def queue():
    return redis.Redis.from_url(os.environ["MCP_TEST_REDIS"], password=os.environ["MCP_TEST_REDIS_PASSWORD"])


def check_redis():
    if length := queue().llen("messages"):
        return {"waiting": length}
    return None


def plan_redis():
    """Move a share of the messages to the list of those that are worked on."""
    server = queue()
    taken = [server.lmove("messages", "taken", "RIGHT", "LEFT") for _ in range(SHARE)]
    return [{"item": text.decode()} for text in taken if text]


def work_redis(subtask: dict):
    queue().lpush("done", subtask["item"])


def receive(subtask: dict, params: dict):
    """The work for a message of a channel."""
    queue().rpush("received", params["message"]["data"])


def check_same():
    """The check of two jobs."""
    return (ROOT / "same.txt").exists()


def remove_same(subtask: dict):
    time.sleep(3)  # the other job sees it, too


def raises():
    raise ValueError("the inbox is on fire")


def hangs():
    time.sleep(600)


def floods():
    while True:
        print("x" * 10_000)  # noqa: T201 - what is tested
