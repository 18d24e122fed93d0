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
    with pytest.raises(SpecError, match=r"python: invalid function .*; expected module\.path:function"):
        PythonWork(python=path)


def test_arguments_are_strings_and_whole_numbers():
    assert CommandWork(command=["sleep", 1, "0.5", "", "-n", -3]).command == ("sleep", "1", "0.5", "", "-n", "-3")


@pytest.mark.parametrize(
    ("command", "wrong"),
    [
        ([], "command: missing program in the command; expected [program, argument, …]"),
        ([" ", "a"], "command: missing program in the command; expected [program, argument, …]"),
        ("sleep 1", 'command: invalid value "sleep 1"; expected a list: […, …]'),
        (["a", 1.10], "command.1: invalid argument 1.1; expected a string or an integer "),
        (["a", True], "command.1: invalid argument true; expected a string or an integer "),
        (["a", None], "command.1: invalid argument null; expected a string or an integer "),
        (["a", ["b"]], "command.1: invalid argument (a list); expected a string or an integer "),
        (["a", "b\0"], "command.1: unsupported characters"),
        (["a", 10**5000], "command.1: integer too large for JSON; expected at most 64 bits"),
        ({"a"}, "command: invalid value {'a'}; expected a list: […, …]"),
    ],
)
def test_what_is_no_command(command, wrong):
    with pytest.raises(SpecError) as raised:
        CommandWork(command=command)
    assert str(raised.value).startswith(wrong)


def test_numbers_that_would_lose_their_form_are_refused_with_their_line(refused):
    told = refused("plan: {items: [1]}\nrun:\n  command:\n  - python\n  - 3.10\n")
    assert told[0].startswith("job.yaml:5: run.command.1: invalid argument 3.1; expected a string or an integer ")


@pytest.mark.parametrize("shell", ["", " \n", 5, None, ["a"], "a\0b"])
def test_what_is_no_shell_text(shell):
    with pytest.raises(SpecError, match=r"^shell: (blank shell script|invalid value|unsupported characters)"):
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
        (None, "items.0: invalid payload null"),
        ([1], "items.0: invalid payload (a list)"),
        ({1: 2}, "items.0: invalid key 1"),
        ({"a": {"b": object}}, "items.0.a.b: unsupported type type"),
        ({"a": ["{b}", "{c"]}, 'items.0.a.1: invalid brace "{" in "{c"'),
        (float("nan"), "items.0: invalid number nan"),
        ({"password": "{x"}, 'items.0.password: invalid brace "{" in (hidden)'),
    ],
)
def test_what_is_no_item(item, wrong):
    with pytest.raises(SpecError) as raised:
        Items(items=[item])
    assert str(raised.value).startswith(wrong)


@pytest.mark.parametrize(
    ("run", "wrong"),
    [
        ("{}", f"run: missing key; expected {FORMS}"),
        ("x", f'run: invalid value "x"; expected a mapping with {FORMS}'),
        ("", 'run: missing required key; expected run, for example {"python": "my_pkg.crawl:visit"}, or steps'),
        ("[a]", f"run: invalid value (a list); expected a mapping with {FORMS}"),
        ("{shell: a, python: a:b}", f"run: conflicting keys shell and python; expected {FORMS}"),
        ("{items: [1]}", f'run.items: unknown key "items"; expected {FORMS}'),
        ("{pyhton: a:b}", f'run.pyhton: unknown key "pyhton" (did you mean python?); expected {FORMS}'),
        ("{shell: a, env: {}}", f'run.env: unknown key "env"; expected {FORMS}'),
        ("{shell: 5}", 'run.shell: invalid value 5; expected a string (put it in "quotes")'),
        (
            "{python: a}",
            'run.python: invalid function "a"; expected module.path:function, for example my_pkg.crawl:visit',
        ),
    ],
)
def test_a_form_is_told_by_its_one_key(run, wrong, refused):
    assert refused(f"plan: {{items: [1]}}\nrun: {run}\n") == [f"job.yaml:2: {wrong}"]


def test_a_plan_may_be_items_too(refused):
    assert refused("plan: {}\nrun: {shell: x}\n") == [
        "job.yaml:1: plan: missing key; expected exactly one of python, command, shell, container, items"
    ]


def test_items_are_no_work():
    with pytest.raises(SpecError, match=r"run: invalid value Items.*; expected a mapping"):
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
            "job.yaml:2: run.job: circular call of the job job; expected another job (a job cannot wait for itself)",
        ),
        (
            "run: {shell: x}\nsubtasks: {jobs: [other, job]}",
            "job.yaml:3: subtasks.jobs: circular call of the job job; expected another job (a job cannot wait for itself)",
        ),
        (
            "run: {shell: x}\nsubtasks: {jobs: [a b]}",
            'job.yaml:3: subtasks.jobs.0: invalid job id "a b"; expected at most 200 letters, digits, -, . and _, not only dots',
        ),
        (
            "run: {job: a b}",
            'job.yaml:2: run.job: invalid job id "a b"; expected at most 200 letters, digits, -, . and _, not only dots',
        ),
        (
            "steps: [{name: a, run: {job: job}}]",
            "job.yaml:2: steps.0.run.job: circular call of the job job; expected another job (a job cannot wait for itself)",
        ),
        ("run: {job: 5}", 'job.yaml:2: run.job: invalid value 5; expected a string (put it in "quotes")'),
    ],
)
def test_what_is_no_job_to_call(text, wrong, refused):
    assert refused(f"plan: {{items: [1]}}\n{text}\n") == [wrong]
