"""The work of the job ``swarm``: its plan is real, its subtasks are simulated (``tests.swarm.runners``)."""


def plan(params):
    payload = {name: params[name] for name in ("kids", "deep", "sleep", "each")}
    holds = {0: params["hold"]}
    return [{**payload, "n": number, "hold": holds.get(number, "")} for number in range(params["width"])]


def visit(subtask):
    raise AssertionError(f"the executor of the swarm does {subtask['n']}, not this")
