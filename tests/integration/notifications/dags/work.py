"""Work that fails as a test wants it."""

import time

HOSTILE = "<!channel> *bold* <b>html</b> {{ mcp.job }} & [link](https://example.com) @everyone"


def visit(subtask, params):
    time.sleep(params.get("seconds", 0))
    if subtask["item"] == "bad":
        raise ValueError(HOSTILE)


def fold(outcomes):
    raise LookupError("the fold fails")


def results(outcomes):
    return [outcome.result for outcome in outcomes]
