"""Signatures that fit what the runtime calls them with, and others."""

from __future__ import annotations

import sys
import types

import pytest

from airflow_mcp_provider.cli.code_check import problem_of
from airflow_mcp_provider.cli.named_code import NamedCode, named_code
from airflow_mcp_provider.spec import parse_job

CODE = """
from airflow.sdk import BaseNotifier

def none(): ...
def one(params): ...
def two(subtask, params): ...
def outcomes(outcomes): ...
def three(a, b, c): ...
def positional(a, b, c, /): ...
def by_name(url, depth=1): ...
def optional(dry_run=False): ...
def any(*args, **kwargs): ...
async def later(subtask): ...

class Notifier(BaseNotifier):
    def __init__(self, channel, text="", **kwargs):
        super().__init__(**kwargs)
        self.channel = channel
    def notify(self, context): ...

class Plain:
    def __init__(self, channel=""): ...
"""
NONE, UNKNOWN = (), None


@pytest.fixture(scope="module", autouse=True)
def module():
    found = types.ModuleType("mcp_signatures")
    exec(CODE, vars(found))  # noqa: S102 - the code of this test
    sys.modules[found.__name__] = found
    yield
    del sys.modules[found.__name__]


def message(name, role, **known):
    problem = problem_of(NamedCode("a.b", f"mcp_signatures:{name}", role, **known))
    assert problem is None or problem.path == "a.b"
    return problem and problem.sentence


@pytest.mark.parametrize(
    ("name", "role", "known"),
    [
        *[(name, "plan", {}) for name in ("none", "one", "optional", "any", "outcomes")],
        *[(name, "report", {}) for name in ("none", "two", "outcomes", "one", "any")],
        *[(name, "run", {"payloads": UNKNOWN}) for name in ("none", "two", "three", "by_name", "later", "any")],
        *[(name, "watch", {}) for name in ("none", "optional", "any")],
        ("by_name", "run", {"payloads": (frozenset({"url"}), frozenset({"url", "depth"}))}),
        ("by_name", "run", {"payloads": (frozenset({"url"}),), "params": ("depth", "more")}),
        ("three", "run", {"payloads": (frozenset("ab"),), "params": ("c",)}),
        ("Notifier", "notifier", {"args": {"channel": "#ops"}}),
        ("Notifier", "notifier", {"args": {"channel": "#ops", "text": "a"}}),
    ],
)
def test_a_signature_that_fits(name, role, known):
    assert message(name, role, **known) is None


@pytest.mark.parametrize(
    ("name", "role", "known", "expected"),
    [
        ("two", "plan", {}, "missing argument subtask of mcp_signatures:two(subtask, params)"),
        ("three", "report", {}, "missing argument c of mcp_signatures:three(a, b, c)"),
        ("positional", "run", {}, "missing argument c of mcp_signatures:positional(a, b, c, /)"),
        ("optional", "report", {}, "missing parameter for outcomes of mcp_signatures:optional(dry_run=False)"),
        ("one", "watch", {}, "missing argument params of mcp_signatures:one(params); expected no required parameters"),
        (
            "by_name",
            "run",
            {"payloads": (frozenset({"url", "x"}),)},
            "unexpected argument x of mcp_signatures:by_name(url, depth=1); expected parameters for the fields url, x",
        ),
        ("three", "run", {"payloads": (frozenset("ab"),)}, "missing argument c of mcp_signatures:three(a, b, c)"),
        ("Notifier", "notifier", {}, "arguments (missing a required argument: 'channel') that do not fit"),
        (
            "Plain",
            "notifier",
            {},
            "invalid notifier mcp_signatures:Plain; expected a subclass of airflow.sdk.BaseNotifier",
        ),
        (
            "nothing",
            "notifier",
            {},
            "function not found: mcp_signatures:nothing; expected a function of mcp_signatures",
        ),
    ],
)
def test_a_signature_that_does_not_fit(name, role, known, expected):
    assert message(name, role, **known).startswith(expected)


def test_all_code_of_a_spec_is_named_with_what_is_known_of_its_calls():
    text = """\
params: {depth: {type: integer, default: 1}}
plan: {items: [{url: a}, {url: b}, c]}
steps: [{name: s, run: {python: a:s}}, {name: t, run: {shell: x}}, {name: u, run: {python: a:u}}]
report: {python: a:r}
schedule: {watch: {python: a:w}}
on: {failure: {notifier: a:n, args: {x: 1}}, late: [{notifier: a:l, after: 1h}, {notifier: a:m, after: 2h}]}
"""
    found = named_code(parse_job(text, id="a"))
    assert [(one.path, one.reference, one.role) for one in found] == [
        ("steps.0.run.python", "a:s", "run"),
        ("steps.2.run.python", "a:u", "run"),
        ("report.python", "a:r", "report"),
        ("schedule.watch.python", "a:w", "watch"),
        ("on.failure.notifier", "a:n", "notifier"),
        ("on.late.0.notifier", "a:l", "notifier"),
        ("on.late.1.notifier", "a:m", "notifier"),
    ]
    assert found[0].payloads == (frozenset({"url"}), frozenset({"item"}))
    assert found[1].payloads == (frozenset({"url", "s", "t"}), frozenset({"item", "s", "t"}))
    assert (found[2].params, found[4].args) == (("depth",), {"x": 1})
