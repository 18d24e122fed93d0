import signal

import pytest

from airflow_mcp_provider.errors import SpecError
from airflow_mcp_provider.spec import JobSpec

GOOD = {"plan": {"items": [1]}, "run": {"shell": "x"}}


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"type": "string", "default": "a", "title": "A", "description": "…"},
        {"type": ["string", "null"], "default": None},
        {"type": "array", "items": {"type": "integer"}, "default": [1, 2]},
        {"type": "object", "properties": {"a": {"type": "number"}}, "default": {"a": 0.5}},
        {"enum": ["a", "b"], "default": "b"},
        {"type": "string", "format": "date", "default": "2026-12-01"},
        {"type": "string", "section": "Airflow's own word", "values_display": {"a": "A"}},
    ],
)
def test_schemas(schema):
    assert JobSpec(id="a", params={"p": schema}, **GOOD).params == {"p": schema}


@pytest.mark.parametrize(
    ("schema", "wrong"),
    [
        (None, "params.p: invalid value null; expected a JSON Schema, for example "),
        ("string", 'params.p: invalid value "string"; expected a JSON Schema, for example '),
        ({"type": "strin"}, 'params.p.type: invalid JSON Schema value "strin"; expected string, number, integer, '),
        ({"type": ["string", "nul"]}, 'params.p.type.1: invalid JSON Schema value "nul"; expected enum: ["array", '),
        ({"minLength": -1}, "params.p.minLength: invalid JSON Schema value -1; expected minimum: 0"),
        ({"enum": 5}, 'params.p.enum: invalid JSON Schema value 5; expected type: "array"'),
        ({"pattern": "("}, 'params.p.pattern: invalid JSON Schema value "("; expected format: "regex"'),
        ({"items": {"type": 1}}, "params.p.items.type: invalid JSON Schema value 1; expected string, number, "),
        (
            {"type": "integer", "default": "a"},
            'params.p.default: default that does not match its schema: "a"; expected type: "in',
        ),
        (
            {"type": "string", "default": None},
            "params.p.default: default that does not match its schema: null; expected type",
        ),
        (
            {"minimum": 3, "default": 2},
            "params.p.default: default that does not match its schema: 2; expected minimum: 3",
        ),
        (
            {"items": {"type": "integer"}, "default": [1, "b"]},
            'params.p.default.1: default that does not match its schema: "b"; expected type: "integer"',
        ),
        (
            {"format": "date", "default": "soon"},
            'params.p.default: default that does not match its schema: "soon"; expected form',
        ),
        (
            {"$ref": "https://example.org/schema"},
            'params.p.$ref: unsupported key "$ref"; expected a schema without references',
        ),
        ({"allOf": [{"$ref": "#"}], "default": 1}, 'params.p.allOf.0.$ref: unsupported key "$ref"; expected a schema '),
        ({"default": object()}, "params.p.default: unsupported type object; expected a string, a number, "),
        ({"default": float("inf")}, "params.p.default: invalid number inf; expected a finite number"),
    ],
)
def test_what_is_no_schema(schema, wrong):
    with pytest.raises(SpecError) as raised:
        JobSpec(id="a", params={"p": schema}, **GOOD)
    assert str(raised.value).startswith(wrong)
    assert len(raised.value.problems) == 1


@pytest.mark.parametrize("name", ["", "a-b", "1a", "a b", "é", "\uff41", "a\n", "a" * 101])
def test_names_are_identifiers(name):
    with pytest.raises(SpecError, match=r"invalid param name .*; expected at most 100 letters, digits and _"):
        JobSpec(id="a", params={name: {}}, **GOOD)


def test_names_are_apart_in_the_environment_too():
    with pytest.raises(SpecError) as raised:
        JobSpec(id="a", params={"url": {}, "URL": {}}, **GOOD)
    assert (
        str(raised.value)
        == 'params.URL: ambiguous param name "URL"; expected a name that differs from url not only in case'
    )


@pytest.mark.parametrize("params", [[], "a", None, 5])
def test_params_are_a_mapping(params):
    with pytest.raises(SpecError, match=r"^params: invalid value .*; expected a mapping"):
        JobSpec(id="a", params=params, **GOOD)


@pytest.mark.parametrize("name", ["password", "API_KEY", "auth_token", "client_secret"])
def test_what_looks_secret_is_not_told(name):
    with pytest.raises(SpecError) as raised:
        JobSpec(id="a", params={name: {"type": "integer", "default": "hunter2"}}, **GOOD)
    assert "hunter2" not in str(raised.value)
    assert ": (hidden)" in str(raised.value)


def test_a_line_is_where_the_fault_is(refused):
    text = "plan: {items: [1]}\nrun: {shell: x}\nparams:\n  a:\n    type: array\n    items:\n      type: strin\n"
    assert [line.partition(": ")[0] for line in refused(text)] == ["job.yaml:7"]


@pytest.mark.parametrize(
    "schema",
    [
        {"pattern": "(a+)+$", "default": "a" * 60 + "!"},
        {"pattern": "(a|a)*$", "default": "a" * 60 + "!"},
        {"patternProperties": {"^(a*)*$": {}}, "default": {"a" * 60 + "!": 1}},
        {"properties": {"x": {"items": {"pattern": "(a+)+$"}}}, "default": {"x": ["a" * 60 + "!"]}},
    ],
)
def test_a_pattern_that_never_ends_is_refused(schema):
    before = signal.getsignal(signal.SIGVTALRM)
    with pytest.raises(
        SpecError, match=r"params\.p: timeout of the JSON Schema check \(a pattern such as \(a\+\)\+\$ can cause it\)"
    ):
        JobSpec(id="a", params={"p": schema}, **GOOD)
    assert signal.getitimer(signal.ITIMER_VIRTUAL) == (0, 0)
    assert signal.getsignal(signal.SIGVTALRM) is before


@pytest.mark.parametrize("pattern", [r"^[a-z]+(\.[a-z]+)*$", "^(a+)+$"])
def test_a_pattern_that_ends_passes(pattern):
    JobSpec(id="a", params={"p": {"pattern": pattern, "default": "a" * 1000}}, **GOOD)


@pytest.mark.parametrize("pattern", ["a{99999999999}", "(" * 5000 + ")" * 5000])
def test_whatever_a_pattern_does_is_its_own_fault(pattern):
    with pytest.raises(SpecError, match=r"params\.p"):
        JobSpec(id="a", params={"p": {"pattern": pattern, "default": "a"}}, **GOOD)
