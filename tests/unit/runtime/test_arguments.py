import functools
import typing
from collections.abc import Mapping
from typing import Annotated, Any, Optional

import pytest

from airflow_mcp_provider.errors import SpecError
from airflow_mcp_provider.runtime.arguments import bind_arguments

PAYLOAD = {"x": 1, "y": 2}
PARAMS = {"y": 20, "z": 30}


def called(function, subtask=PAYLOAD, params=PARAMS):
    positional, named = bind_arguments("m:f", function, (subtask, params), "subtask, params")
    return function(*positional, **named)


@pytest.mark.parametrize(
    ("function", "result"),
    [
        (lambda subtask: subtask, PAYLOAD),
        (lambda subtask, params: (subtask, params), (PAYLOAD, PARAMS)),
        (lambda subtask, dry_run=False: (subtask, dry_run), (PAYLOAD, False)),
        (lambda subtask, params=None: (subtask, params), (PAYLOAD, PARAMS)),
        (lambda subtask, dry_run=False, params=None: (subtask, dry_run, params), (PAYLOAD, False, PARAMS)),
        (lambda subtask, dry_run=False, params=None, /: (subtask, dry_run, params), (PAYLOAD, False, PARAMS)),
        (lambda subtask, dry_run=False, *rest: (subtask, dry_run, rest), (PAYLOAD, False, ())),
        (lambda subtask, *, params: (subtask, params), (PAYLOAD, PARAMS)),
        (lambda subtask, *, dry_run=False: (subtask, dry_run), (PAYLOAD, False)),
        (lambda *, subtask, params=None: (subtask, params), (PAYLOAD, PARAMS)),
        (lambda params, subtask: (subtask, params), (PAYLOAD, PARAMS)),
        (lambda params: params, PARAMS),
        (lambda first=None, dry_run=False: (first, dry_run), (PAYLOAD, False)),
        (lambda x, y, params=None: (x, y, params), (1, 2, PARAMS)),
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
    positional, named = bind_arguments(
        "m:f", lambda path, depth=1: (path, depth), ({"path": "/", "other": 1},), "params"
    )
    assert (positional, named) == ((), {"path": "/"})


@pytest.mark.parametrize(
    ("function", "wrong"),
    [
        (lambda x: x, "unexpected argument y"),
        (lambda x, w: (x, w), "missing argument w, unexpected argument y"),
        (lambda a, b, c: (a, b, c), r"\(a, b, c\) cannot be called with \(subtask, params\): missing argument c"),
    ],
)
def test_what_does_not_fit_is_told(function, wrong):
    with pytest.raises(SpecError, match=wrong):
        called(function)


def test_builtins_get_the_payload():
    assert bind_arguments("m:f", dict, (PAYLOAD, PARAMS), "subtask, params") == ((PAYLOAD,), {})


class Settings(typing.TypedDict, total=False):
    depth: int


@pytest.mark.parametrize(
    "annotation",
    [
        dict,
        Mapping,
        dict[str, Any],
        dict | None,
        Optional[Mapping],  # noqa: UP045 - as people write it
        typing.Dict[str, int],  # noqa: UP006 - likewise
        Annotated[dict[str, Any], "of the run"],
        Settings,
        "dict | None",
        "'dict' | None",
        "typing.Optional[Mapping[str, Any]]",
        "Union[NotThere, None, dict[str, Any]]",
        "MutableMapping[str, NotThere]",
    ],
)
def test_params_go_where_a_mapping_is_wanted(annotation):
    def work(subtask, dry_run=0, settings=None):
        return subtask, dry_run, settings

    def by_keyword(subtask, *, settings=None):
        return subtask, 0, settings

    for function in (work, by_keyword):
        function.__annotations__["settings"] = annotation
        assert called(function) == (PAYLOAD, 0, PARAMS)


@pytest.mark.parametrize(
    "annotation", [bool, "bool", list[dict], "list[dict]", "not python", Any, "Callable[[dict], int]"]
)
def test_and_nowhere_else(annotation):
    def work(subtask, settings=5):
        return settings

    work.__annotations__["settings"] = annotation
    assert called(work) == 5


@pytest.mark.parametrize(
    ("function", "result"),
    [
        (lambda params: params, {"other": 1}),
        (lambda anything: anything, {"other": 1}),
        (lambda dry_run=False: dry_run, False),
        (lambda dry_run=False, params=None: (dry_run, params), (False, {"other": 1})),
        (lambda *, params: params, {"other": 1}),
        (lambda other, params=None: (other, params), (1, {"other": 1})),
    ],
)
def test_a_plan_gets_params_by_the_same_rule(function, result):
    positional, named = bind_arguments("m:f", function, ({"other": 1},), "params")
    assert function(*positional, **named) == result


@pytest.mark.parametrize(
    ("function", "result"),
    [
        (lambda outcomes, verbose=False, params=None: (outcomes, verbose, params), ([1], False, PARAMS)),
        (lambda outcomes, *, params: (outcomes, params), ([1], PARAMS)),
        (lambda rows, verbose=False: (rows, verbose), ([1], False)),
        (lambda params, outcomes: (outcomes, params), ([1], PARAMS)),
    ],
)
def test_a_report_gets_params_by_the_same_rule(function, result):
    positional, named = bind_arguments("m:f", function, ([1], PARAMS), "outcomes, params")
    assert function(*positional, **named) == result
