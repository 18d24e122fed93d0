"""Work that fails as a test wants it."""

import os
import time
from pathlib import Path

HOSTILE = "<!channel> *bold* <b>html</b> {{ mcp.job }} & [link](https://example.com) @everyone"


def visit(subtask, params):
    """Work until a test has made the file ``go``, where the job has such a param."""
    while "go" in params and not (Path(os.environ["NOTES"]) / params["go"]).exists():
        time.sleep(0.1)
    if subtask["item"] == "bad":
        raise ValueError(HOSTILE)


def fold(outcomes):
    raise LookupError("the fold fails")


def results(outcomes):
    return [outcome.result for outcome in outcomes]
