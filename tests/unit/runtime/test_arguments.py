import functools

import pytest

from airflow_mcp_provider.errors import SpecError
from airflow_mcp_provider.runtime.arguments import fitting

PAYLOAD = {"x": 1, "y": 2}
PARAMS = {"y": 20, "z": 30}


def called(function, subtask=PAYLOAD, params=PARAMS):
    positional, named = fitting("m:f", function, (subtask, params), "subtask, params")
    return function(*positional, **named)


@pytest.mark.parametrize(
    ("function", "result"),
    [
        (lambda subtask: subtask, PAYLOAD),
        (lambda subtask, params: (subtask, params), (PAYLOAD, PARAMS)),
        (lambda subtask, dry_run=False: (subtask, dry_run), (PAYLOAD, False)),
        (lambda subtask, params=None: (subtask, params), (PAYLOAD, PARAMS)),
        (lambda *all_of_it: all_of_it, (PAYLOAD, PARAMS)),
        (lambda x, /: x, PAYLOAD),
        (lambda: 0, 0),
        (lambda x, y: (x, y), (1, 2)),
        (lambda y, x: (x, y), (1, 2)),
        (lambda x, y, z: (x, y, z), (1, 2, 30)),
        (lambda x, y, z=5: (x, y, z), (1, 2, 30)),
        (lambda x, y, other=5: (x, y, other), (1, 2, 5)),
        (lambda *, x, y: (x, y), (1, 2)),
        (lambda x, *rest, y: (x, rest, y), (1, (), 2)),
        (lambda x, **rest: (x, rest), (1, {"y": 2})),
        (lambda **fields: fields, PAYLOAD),
        (functools.partial(lambda x, y, z: (x, y, z), z=7), (1, 2, 30)),
    ],
)
def test_the_first_parameter_decides(function, result):
    assert called(function) == result


def test_a_lone_item_is_what_the_function_gets_that_names_it():
    assert called(lambda item: item, {"item": "a"}) == "a"


def test_a_plan_takes_of_the_form_what_it_names():
    positional, named = fitting("m:f", lambda path, depth=1: (path, depth), ({"path": "/", "other": 1},), "params")
    assert (positional, named) == ((), {"path": "/"})


@pytest.mark.parametrize(
    ("function", "wrong"),
    [
        (lambda x: x, "it takes no y"),
        (lambda x, w: (x, w), "nothing is named w, it takes no y"),
        (lambda a, b, c: (a, b, c), r"is called as \(subtask, params\), but its signature is \(a, b, c\)"),
    ],
)
def test_what_does_not_fit_is_told(function, wrong):
    with pytest.raises(SpecError, match=wrong):
        called(function)


def test_builtins_get_the_payload():
    assert fitting("m:f", dict, (PAYLOAD, PARAMS), "subtask, params") == ((PAYLOAD,), {})
