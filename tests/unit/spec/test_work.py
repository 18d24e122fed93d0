import pytest

from airflow_mcp_provider.errors import SpecError
from airflow_mcp_provider.spec import CommandWork, Items, JobSpec, PythonWork, ShellWork

FORMS = "exactly one of python, command, shell, container, job"


@pytest.mark.parametrize("path", ["a:b", "my_pkg.crawl:visit", "_a._b:_c", "A1.b2:c3", "a:b.c"])
def test_functions(path):
    assert PythonWork(python=path).python == path


@pytest.mark.parametrize(
    "path", ["", "a", "a.b", "a:", ":b", "a:b.", "a:b:c", "a b:c", "1a:b", "a..b:c", ".a:b", "a:b\n", "é:b", "a:b()"]
)
def test_what_names_no_function(path):
    with pytest.raises(SpecError, match=r"python: must name a function; .* allowed module\.path:function"):
        PythonWork(python=path)


def test_arguments_are_strings_and_whole_numbers():
    assert CommandWork(command=["sleep", 1, "0.5", "", "-n", -3]).command == ("sleep", "1", "0.5", "", "-n", "-3")


@pytest.mark.parametrize(
    ("command", "wrong"),
    [
        ([], "command: must begin with a program; given an empty list; allowed [program, argument, …]"),
        ([" ", "a"], "command: must begin with a program; given a list; allowed [program, argument, …]"),
        ("sleep 1", 'command: must be a list; given "sleep 1"; allowed […, …]'),
        (["a", 1.10], "command.1: must be a string; given 1.1; allowed strings and whole numbers: "),
        (["a", True], "command.1: must be a string; given true; allowed strings and whole numbers: "),
        (["a", None], "command.1: must be a string; given nothing; allowed strings and whole numbers: "),
        (["a", ["b"]], "command.1: must be a string; given a list; allowed strings and whole numbers: "),
        (["a", "b\0"], "command.1: must have no null bytes or lone surrogates"),
        (["a", 10**5000], "command.1: is a number too large for JSON readers; allowed 64 bits"),
        ({"a"}, "command: must be a list; given {'a'}; allowed […, …]"),
    ],
)
def test_what_is_no_command(command, wrong):
    with pytest.raises(SpecError) as raised:
        CommandWork(command=command)
    assert str(raised.value).startswith(wrong)


def test_numbers_that_would_lose_their_form_are_refused_with_their_line(refused):
    told = refused("plan: {items: [1]}\nrun:\n  command:\n  - python\n  - 3.10\n")
    assert told[0].startswith("job.yaml:5: run.command.1: must be a string; given 3.1; allowed strings and whole ")


@pytest.mark.parametrize("shell", ["", " \n", 5, None, ["a"], "a\0b"])
def test_what_is_no_shell_text(shell):
    with pytest.raises(SpecError, match=r"^shell: must "):
        ShellWork(shell=shell)


def test_braces_in_a_shell_text_are_the_shells():
    assert ShellWork(shell="echo ${A} {b").shell == "echo ${A} {b"  # noqa: S604 - a value, no call of a shell


def test_items_are_payloads_or_short_for_them():
    items = Items(items=[{"a": [1, {"b": None}]}, "text", 5, 0.5, True, {}])
    assert items.items == ({"a": [1, {"b": None}]}, "text", 5, 0.5, True, {})
    assert Items(items=[]).items == ()


@pytest.mark.parametrize(
    ("item", "wrong"),
    [
        (None, "items.0: is no payload; given nothing"),
        ([1], "items.0: is no payload; given a list"),
        ({1: 2}, "items.0: has a key that is no string; given the key 1"),
        ({"a": {"b": object}}, "items.0.a.b: is no JSON value; given a type"),
        ({"a": ["{b}", "{c"]}, 'items.0.a.1: has a { that is no part of a placeholder; given "{c"'),
        (float("nan"), "items.0: is no JSON number; given nan"),
        ({"password": "{x"}, "items.0.password: has a { that is no part of a placeholder; given (hidden)"),
    ],
)
def test_what_is_no_item(item, wrong):
    with pytest.raises(SpecError) as raised:
        Items(items=[item])
    assert str(raised.value).startswith(wrong)


@pytest.mark.parametrize(
    ("run", "wrong"),
    [
        ("{}", f"run: must have one key; given none; allowed {FORMS}"),
        ("x", f'run: must be a mapping; given "x"; allowed {FORMS}'),
        ("", 'run: is missing; allowed such as {"python": "my_pkg.crawl:visit"}'),
        ("[a]", f"run: must be a mapping; given a list; allowed {FORMS}"),
        ("{shell: a, python: a:b}", f"run: must have one key; given shell and python; allowed {FORMS}"),
        ("{items: [1]}", f"run.items: is an unknown key; allowed {FORMS}"),
        ("{pyhton: a:b}", f"run.pyhton: is an unknown key, did you mean python?; allowed {FORMS}"),
        ("{shell: a, env: {}}", f"run.env: is an unknown key; allowed {FORMS}"),
        ("{shell: 5}", 'run.shell: must be a string; given 5; allowed a "string"'),
        (
            "{python: a}",
            'run.python: must name a function; given "a"; allowed module.path:function, such as my_pkg.crawl:visit',
        ),
    ],
)
def test_a_form_is_told_by_its_one_key(run, wrong, refused):
    assert refused(f"plan: {{items: [1]}}\nrun: {run}\n") == [f"job.yaml:2: {wrong}"]


def test_a_plan_may_be_items_too(refused):
    assert refused("plan: {}\nrun: {shell: x}\n") == [
        "job.yaml:1: plan: must have one key; given none; allowed exactly one of python, command, shell, container, items"
    ]


def test_items_are_no_work():
    with pytest.raises(SpecError, match="run: must be a mapping; given"):
        JobSpec(id="a", plan=Items(items=[1]), run=Items(items=[1]))


def test_a_job_as_work():
    assert JobSpec(id="a", plan={"items": []}, run={"job": "b.c-1"}).calls == ("b.c-1",)
    steps = [
        {"name": "x", "run": {"job": "b"}},
        {"name": "y", "run": {"shell": "x"}},
        {"name": "z", "run": {"job": "b"}},
    ]
    assert JobSpec(id="a", plan={"items": []}, steps=steps).calls == ("b",)
    assert JobSpec(id="a", plan={"items": []}, steps=steps, subtasks={"jobs": ["c", "b"]}).calls == ("b", "c")


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        (
            "run: {job: job}",
            "job.yaml:2: run.job: is the job itself, which would wait for itself; given job; allowed another job",
        ),
        (
            "run: {shell: x}\nsubtasks: {jobs: [other, job]}",
            "job.yaml:3: subtasks.jobs: names the job itself, which would wait for itself; given job; allowed other jobs",
        ),
        (
            "run: {shell: x}\nsubtasks: {jobs: [a b]}",
            'job.yaml:3: subtasks.jobs.0: is no job id; given "a b"; allowed letters, digits, - . and _, at most 200, not dots alone',
        ),
        (
            "run: {job: a b}",
            'job.yaml:2: run.job: is no job id; given "a b"; allowed letters, digits, - . and _, at most 200, not dots alone',
        ),
        (
            "steps: [{name: a, run: {job: job}}]",
            "job.yaml:2: steps.0.run.job: is the job itself, which would wait for itself; given job; allowed another job",
        ),
        ("run: {job: 5}", 'job.yaml:2: run.job: must be a string; given 5; allowed a "string"'),
    ],
)
def test_what_is_no_job_to_call(text, wrong, refused):
    assert refused(f"plan: {{items: [1]}}\n{text}\n") == [wrong]
