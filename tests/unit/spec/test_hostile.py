"""Whatever stands in a file: a job, or a SpecError that says why not; never another exception, never a long wait."""

import random

import pytest

from airflow_mcp_provider.errors import SpecError
from airflow_mcp_provider.spec import JobSpec, parse_job

SMALL = "plan: {items: [1]}\nrun: {shell: x}\n"
LAUGHS = "\n".join(f"x{n}: &x{n} [{', '.join([f'*x{n - 1}'] * 9)}]" for n in range(1, 30))
LAUGH_MAPS = "\n".join(f"x{n}: &x{n} {{a: *x{n - 1}, b: *x{n - 1}}}" for n in range(1, 30))

HOSTILE = {
    "nothing": "",
    "a null byte": "plan: \0",
    "an escaped null byte": SMALL + 'owner: "\\0"',
    "an escaped null byte in a key": SMALL + '"\\0": 1',
    "a null byte in an item": 'plan: {items: ["\\0"]}\nrun: {shell: x}',
    "a null byte in a param": SMALL + 'params: {a: {default: "\\0"}}',
    "a bell": SMALL + "owner: \x07",
    "a lone surrogate": SMALL + "owner: \ud800",
    "an escaped surrogate": SMALL + 'owner: "\\ud800"',
    "lists in lists": "[" * 1_000_000,
    "closed lists in lists": "plan: " + "[" * 400_000 + "]" * 400_000,
    "maps in maps": "{a: " * 200_000,
    "dashes in dashes": "- " * 400_000,
    "questions in questions": "? " * 400_000,
    "colons in colons": "a:\n" + "".join(" " * n + "a:\n" for n in range(1, 1200)),
    "deep, but not too deep for C": "plan: {items: " + "[" * 400 + "]" * 400 + "}",
    "deep items": "plan: {items: [{a: " + "[" * 34 + "]" * 34 + "}]}\nrun: {shell: x}",
    "deep params": SMALL + "params: {a: {default: " + "[" * 34 + "]" * 34 + "}}",
    "billion laughs": "x0: &x0 [lol]\n" + LAUGHS,
    "billion laughs in mappings": "x0: &x0 {a: lol}\n" + LAUGH_MAPS,
    "a list that holds itself": SMALL + "tags: &a [*a]",
    "a mapping that holds itself": SMALL + "params: &a {x: *a}",
    "a mapping that is its own key": "&a {*a : 1}",
    "undefined alias": SMALL + "tags: *b",
    "a python object": SMALL + "owner: !!python/object/apply:os.system [echo]",
    "a python object as the job": "!!python/object/new:os.system [echo]",
    "a python module": SMALL + "owner: !!python/module:os",
    "a python tuple": SMALL + "tags: !!python/tuple [a]",
    "a tag as the key": SMALL + "!!python/name:os.system : 1",
    "a tag of its own": "!job\n" + SMALL,
    "a mapping tag on a text": SMALL + "owner: !!map x",
    "a text tag on a mapping": SMALL + "owner: !!str {a: 1}",
    "an int tag on a text": SMALL + "retries: {attempts: !!int abc}",
    "a float tag on a text": SMALL + "retries: {backoff: !!float abc}",
    "a bool tag on a text": SMALL + "owner: !!bool abc",
    "a date tag on a text": SMALL + "owner: !!timestamp abc",
    "a null tag on a text": SMALL + "owner: !!null abc",
    "binary": SMALL + "owner: !!binary ////",
    "ordered mapping": SMALL + "params: !!omap [a: {}]",
    "merge": "a: &a {b: 1}\n<<: *a\n" + SMALL,
    "merge of itself": "&a\n<<: *a\n" + SMALL,
    "a huge int": SMALL + "retries: {attempts: " + "9" * 100_000 + "}",
    "a huge hex": SMALL + "retries: {attempts: 0x" + "f" * 100_000 + "}",
    "a huge octal": SMALL + "retries: {attempts: 0" + "7" * 100_000 + "}",
    "a huge base 60": SMALL + "retries: {attempts: 1" + ":59" * 10_000 + "}",
    "a huge int in an item": "plan: {items: [9223372036854775808]}\nrun: {shell: x}",
    "a huge int in a command": "plan: {items: [1]}\nrun: {command: [a, 99999999999999999999]}",
    "a huge float": SMALL + "retries: {backoff: " + "9" * 100_000 + ".0}",
    "an overflowing float": "plan: {items: [1.0e+999]}\nrun: {shell: x}",
    "infinity": "plan: {items: [.inf]}\nrun: {shell: x}",
    "not a number": SMALL + "params: {a: {default: .NaN}}",
    "a long duration": SMALL + "timeouts: {soft: " + "9" * 9 + "d}",
    "a very long duration": SMALL + "timeouts: {soft: " + "9" * 100_000 + "d}",
    "a negative duration": SMALL + "timeouts: {soft: -5}",
    "arabic digits": SMALL + "timeouts: {soft: \u0665m}",
    "arabic percent": SMALL + "subtasks: {tolerate: \u0665%}",
    "a full-width key": SMALL + "\uff4fwner: me",
    "a key with a zero-width space": SMALL + "ow\u200bner: me",
    "a key with a direction mark": SMALL + '"own\\u202eer": me',
    "a key of a newline": SMALL + '"\\n": me',
    "an empty key": SMALL + "'': me",
    "a null key": SMALL + "~: me",
    "a list as key": SMALL + "? [a, b]\n: me",
    "a bool key": SMALL + "yes: me",
    "an int key in an item": "plan: {items: [{1: 2}]}\nrun: {shell: x}",
    "an attribute name": SMALL + "__class__: me",
    "a pydantic name": SMALL + "model_config: {extra: allow}",
    "an unsafe template": "plan: {items: [1]}\nrun: {command: ['{a.__class__}']}",
    "a format template": "plan: {items: [1]}\nrun: {command: ['{a!r:>1000000000}']}",
    "a reference to a page": SMALL + "params: {a: {$ref: 'http://127.0.0.1:9/x', default: 1}}",
    "a reference to itself": SMALL + "params: {a: {$ref: '#', default: 1}}",
    "a reference to a file": SMALL + "params: {a: {items: {$ref: 'file:///etc/passwd'}, default: [1]}}",
    "another dialect": SMALL + "params: {a: {$schema: 'http://json-schema.org/draft-03/schema#'}}",
    "a wrong pattern": SMALL + "params: {a: {pattern: '(((', default: x}}",
    "a newline after the function": 'plan: {items: [1]}\nrun: {python: "a:b\\n"}',
    "a function with a call": "plan: {items: [1]}\nrun: {python: 'os:system(1)'}",
    "two documents": SMALL + "---\n" + SMALL,
    "a directive": "%YAML 9.9\n---\n" + SMALL,
    "a tab": "plan:\n\titems: [1]",
    "an open quote": 'plan: "',
    "an open block": "plan: |\n x\n y: [",
    "json": '{"plan": {"items": [1]}, "run": {"shell": null}}',
    "a page": "<!DOCTYPE html><html><body>plan: x</body></html>",
    "python": "import os\nos.system('x')\n",
    "many keys": "\n".join(f"k{n}: 1" for n in range(20_000)),
    "many values": "plan: {items: [" + "1," * 200_000 + "]}\nrun: {shell: x}",
    "one key many times": "run: {shell: x}\n" * 20_000,
    "one megabyte and more": "#" * 1_000_001,
}


@pytest.mark.timeout(60)  # a reader that such a document holds up
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_documents_are_refused(text):
    with pytest.raises(SpecError) as raised:
        parse_job(text, id="job", source="job.yaml")
    assert raised.value.problems
    assert all(problem.file == "job.yaml" and problem.message for problem in raised.value.problems)
    assert len(str(raised.value)) < 20_000


PIECES = (
    *("plan", "run", "params", "retries", "items", "shell", "x", "5", "1.5", "yes", "~", "5%", "9m", "{a}", "é", "\0"),
    *(
        ": ",
        ": ",
        ":",
        "- ",
        "\n",
        "\n",
        "\n  ",
        "\n    ",
        "{",
        "}",
        "[",
        "]",
        ", ",
        "&a ",
        "*a",
        "!!int ",
        "!x ",
        "? ",
    ),
    *('"', "'", "|", ">", "#", "%", "@", "<<: ", "---\n", "...\n", "\t", "\\", "2020-01-01", "0x1f", "1:30"),
)


def test_noise_is_refused():
    noise = random.Random(2026)
    for _ in range(3000):
        text = "".join(noise.choices(PIECES, k=noise.randrange(1, 40)))
        with pytest.raises(SpecError):
            parse_job(text, id="job", source="job.yaml")


VALUES = (
    None,
    True,
    0,
    -1,
    2**70,
    1.5,
    float("nan"),
    "",
    "x",
    "5%",
    "9m",
    "{",
    [],
    [None],
    ["a"],
    {},
    {"a": 1},
    {1: 2},
    b"",
    object(),
)


def test_any_value_in_any_place_makes_a_job_or_a_spec_error():
    good = {
        "id": "a",
        "plan": {"items": [1]},
        "run": {"command": ["a"]},
        "report": {"python": "a:b"},
        "params": {"a": {"type": "string"}},
        "subtasks": {"key": "a", "parallelism": 1, "depth": 1, "limit": 1, "tolerate": 1},
        "retries": {"attempts": 1, "delay": 1, "backoff": 1, "max_delay": 1, "never_on": [], "only_on": []},
        "timeouts": {"soft": 1, "hard": 2, "run": 3},
        "description": "",
        "owner": "a",
        "tags": [],
    }
    outcomes = {True: 0, False: 0}
    for place, value in good.items():
        inner = [(place, key) for key in value] if isinstance(value, dict) else []
        for path in ((place,), *inner):
            for wrong in VALUES:
                outcomes[builds(replaced(good, path, wrong))] += 1
    assert outcomes[True] > 40
    assert outcomes[False] > 400


def replaced(values, path, wrong):
    first, *rest = path
    return values | {first: replaced(values[first], rest, wrong) if rest else wrong}


def builds(values):
    try:
        spec = JobSpec.model_validate(values)
    except SpecError:
        return False
    return JobSpec.model_validate(spec.model_dump(mode="json")) == spec
