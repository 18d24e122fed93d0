import copy
import json
import pickle

import pytest
from pydantic_core import PydanticCustomError

from airflow_mcp_provider.spec.values import FrozenDict, FrozenList, frozen_json


def test_frozen_values_are_what_json_and_its_friends_take_them_for():
    value = {"a": [1, {"b": None}], "c": "text"}
    frozen = frozen_json(value)
    assert isinstance(frozen, dict)
    assert isinstance(frozen["a"], list)
    assert frozen == value
    assert json.loads(json.dumps(frozen)) == value


@pytest.mark.parametrize(
    "change",
    [
        lambda value: value.update(x=1),
        lambda value: value.__setitem__("x", 1),
        lambda value: value.__delitem__("a"),
        lambda value: value.pop("a"),
        lambda value: value.popitem(),
        lambda value: value.clear(),
        lambda value: value.setdefault("x", 1),
        lambda value: value.__ior__({"x": 1}),
        lambda value: value["a"].append(1),
        lambda value: value["a"].extend([1]),
        lambda value: value["a"].insert(0, 1),
        lambda value: value["a"].remove(1),
        lambda value: value["a"].sort(),
        lambda value: value["a"].reverse(),
        lambda value: value["a"].__iadd__([1]),
        lambda value: value["a"].__imul__(2),
        lambda value: value["a"].__setitem__(0, 2),
        lambda value: value["a"].__delitem__(0),
        lambda value: value["a"].clear(),
        lambda value: value["a"].pop(),
    ],
)
def test_nothing_can_be_changed(change):
    frozen = frozen_json({"a": [1]})
    with pytest.raises(TypeError, match="frozen"):
        change(frozen)
    assert frozen == {"a": [1]}


def test_copies_and_pickles():
    frozen = frozen_json({"a": [1]})
    assert copy.deepcopy(frozen) is frozen
    assert copy.copy(frozen) is frozen
    back = pickle.loads(pickle.dumps(frozen))  # noqa: S301 - our own bytes
    assert back == frozen
    assert type(back) is FrozenDict
    assert type(back["a"]) is FrozenList


def circle():
    value = []
    value.append(value)
    return value


@pytest.mark.parametrize(
    ("value", "wrong"),
    [
        (float("nan"), "invalid number"),
        (float("-inf"), "invalid number"),
        (2**64, "integer too large"),
        (object(), "unsupported type"),
        (b"bytes", "unsupported type"),
        ({1}, "unsupported type"),
        ({1: 2}, "invalid key"),
        ({"\0": 2}, "unsupported characters"),
        ("\0", "unsupported characters"),
        ("\ud800", "unsupported characters"),
        (circle(), "too many levels of nesting"),
    ],
)
def test_refuses_what_is_no_json(value, wrong):
    with pytest.raises(PydanticCustomError, match=wrong):
        frozen_json(value)


def test_a_fault_says_where():
    with pytest.raises(PydanticCustomError) as raised:
        frozen_json({"a": [1, {"b": {2}}]})
    assert raised.value.context["at"] == ("a", 1, "b")
