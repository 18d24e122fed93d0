"""Params with odd values, as a run's conf brings them, and the functions that are called with them."""

import math
from random import Random
from typing import Any

from tests.fuzz import made

NAMES = ("path", "x", "X", "url", "n", "_", "file", "self", "PATH", "item")
SIZES = (1_000, 40_000, 131_000, 131_072, 140_000)
NAMED = """\
def by_position(subtask, params):
    return ascii(params)

def by_name({first}, {second}=None):
    return ascii([{first}, {second}])

def optional(subtask, dry_run=False):
    return dry_run
"""


def conf(random: Random, *, large: bool = False) -> dict[str, Any]:
    """Values by names that params may have; seldom one that is larger than a variable of the environment may be."""
    values = {name: _json(random) for name in random.sample(NAMES, random.randrange(1, 4))}
    if large and random.random() < 0.05:
        values[random.choice(list(values))] = random.choice("x\u00e9$") * random.choice(SIZES)
    return values


def _json(random: Random) -> Any:
    """A value that JSON has: Airflow keeps no other conf."""
    while not _finite(value := made.value(random)):
        pass
    return value


def _finite(value: Any) -> bool:
    if isinstance(value, dict | list):
        return all(map(_finite, value.values() if isinstance(value, dict) else value))
    return not isinstance(value, float) or math.isfinite(value)
