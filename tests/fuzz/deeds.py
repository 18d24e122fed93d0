"""The functions that the fuzz runs as work."""

from random import Random
from typing import Any

from tests.fuzz import made


def returned(case: str) -> Any:
    """The odd value of a case."""
    return made.anything(Random(case))


def give(subtask: dict[str, Any]) -> Any:
    """Return it, in the work's process."""
    return returned(subtask["case"])
