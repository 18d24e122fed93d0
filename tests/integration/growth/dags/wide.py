"""Very many subtasks that do next to nothing."""

import record


def plan(params):
    yield from ({"node": i} for i in range(params["count"]))


def visit(subtask, params):
    record.note(params["record"], node=subtask["node"])
    return subtask["node"]


def summary(outcomes):
    """``again``: the attempts of those that had more than one."""
    results, again = [], {}
    for one in outcomes:
        results.append(one.result)
        if one.attempts > 1:
            again[one.key] = one.attempts
    return {"keys": len(set(results)), "sum": sum(results), "again": again}
