"""Work whose counts and results do not depend on where it runs."""

from airflow_mcp_provider.runtime import enqueue, progress


class Gone(Exception):
    """Never tried again."""


def numbers(params):
    yield from range(params["width"])


def grow(subtask, params):
    depth = subtask.get("depth", 0)
    progress(0.5, "half")
    if depth < params["depth"]:
        name = subtask.get("name", str(subtask.get("item")))
        for child in ("a", "b"):
            enqueue({"name": f"{name}{child}", "depth": depth + 1}, key=f"{name}{child}")
        enqueue({"name": f"shared {depth}", "depth": depth + 1}, key=f"shared {depth}")
    return depth


def depths(outcomes):
    return sorted(outcome.result for outcome in outcomes if outcome.status == "success")


def fail(item):
    if item == "gone":
        raise Gone(item)
    if item == "bad":
        raise ValueError(item)
    return item


async def search(subtask):
    if subtask["name"] == "c":
        raise KeyError("c")
    return subtask["name"] * 2


def publish(subtask):
    return subtask["write"]


def published(outcomes):
    return sorted([outcome.key, outcome.step, outcome.result] for outcome in outcomes)
