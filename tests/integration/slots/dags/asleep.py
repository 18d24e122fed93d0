"""Subtasks that keep a slot."""


def plan(params):
    yield from ({"number": number} for number in range(params["count"]))
