import tempfile
from pathlib import Path

import pytest

from airflow_mcp_provider.errors import Problem, SpecError
from airflow_mcp_provider.spec import load_job, parse_job
from tests.unit.dags.conftest import unprivileged

SMALL = "plan: {items: [1]}\nrun: {shell: x}\n"

BAD = """\
description: yes
owner: 5
tgas: [a]
params:
  url: {type: strin}
  on: {type: string}
plan:
  items:
    - NO
    - 1:30
    - {at: 2020-01-01}
    - 5
run: {pyhton: "a:b"}
report: {python: a.b, shell: x}
subtasks:
  limit: 0
  tolerate: 0%
retries: {attempts: 101, backoff: 3, backoff: 4}
timeouts:
  soft: 10m
  hard: 9m
"""


def test_all_that_is_wrong_is_told_at_once_line_by_line(refused):
    assert refused(BAD) == [
        ('job.yaml:1: description: ambiguous boolean yes; expected true, false, or "quotes" around text'),
        'job.yaml:2: owner: invalid value 5; expected a string (put it in "quotes")',
        (
            'job.yaml:3: tgas: unknown key "tgas" (did you mean tags?); expected one of description, owner, tags, params, plan, '
            "steps, run, report, subtasks, retries, timeouts, queue, schedule, on, pod, control"
        ),
        (
            'job.yaml:5: params.url.type: invalid JSON Schema value "strin"; expected string, number, integer, boolean, '
            'object, array, "null" (in quotes), or a list of these'
        ),
        'job.yaml:6: params.on: invalid key of the type bool; expected a string (put it in "quotes")',
        ('job.yaml:9: plan.items.0: ambiguous boolean NO; expected true, false, or "quotes" around text'),
        (
            "job.yaml:10: plan.items.1: ambiguous number 1:30; expected a decimal number "
            'such as 90, or "quotes" around text'
        ),
        'job.yaml:11: plan.items.2.at: ambiguous date 2020-01-01; expected "quotes" around text',
        (
            'job.yaml:13: run.pyhton: unknown key "pyhton" (did you mean python?); expected exactly one of python, command, '
            "shell, container, job"
        ),
        "job.yaml:14: report: conflicting keys python and shell; expected exactly one of python, command, shell",
        "job.yaml:16: subtasks.limit: number too small: 0; expected a number from 1 to 1000000",
        (
            'job.yaml:17: subtasks.tolerate: invalid value "0%"; expected a number such '
            "as 3, or a percentage of all subtasks such as 5% (above 0%, up to 100%)"
        ),
        'job.yaml:18: retries.backoff: duplicate key "backoff"; expected each key once',
        "job.yaml:18: retries.attempts: number too large: 101; expected a number from 1 to 100",
        "job.yaml:21: timeouts.hard: time limit too short: 9m; expected more than 10m, the value of soft",
    ]


def test_problems_are_values_too():
    with pytest.raises(SpecError) as raised:
        parse_job(SMALL + "owner: 5\n", id="job", source="dags/job.yaml")
    assert raised.value.problems == (
        Problem("invalid value", "owner", "dags/job.yaml", 3, given="5", expected='a string (put it in "quotes")'),
    )
    with pytest.raises(AttributeError):
        raised.value.problems[0].line = 4


def test_what_is_missing_is_told_where_the_job_begins(refused):
    assert refused("# a job\n\nowner: me\n") == [
        'job.yaml:3: plan: missing required key; expected for example {"python": "my_pkg.crawl:plan"}',
        'job.yaml:3: run: missing required key; expected run, for example {"python": "my_pkg.crawl:visit"}, or steps',
    ]


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("", "job.yaml: invalid job spec (an empty file); expected a mapping with the keys plan and run"),
        ("# only words\n", "job.yaml: invalid job spec (an empty file); expected a mapping with the keys plan and run"),
        ("- a\n- b\n", "job.yaml:1: invalid job spec (a list); expected a mapping with the keys plan and run"),
        (
            "\njust words\n",
            "job.yaml:2: invalid job spec (a single value); expected a mapping with the keys plan and run",
        ),
        ("run:\n\tshell: x\n", "job.yaml:2: unsupported tab in the indentation; expected spaces"),
        (SMALL + "---\n" + SMALL, "job.yaml:3: multiple YAML documents; expected one job per file"),
        ("a: {b\n", "job.yaml:2: invalid YAML: did not find expected ',' or '}'"),
        ("a: 1\nb: *nope\n", "job.yaml:2: invalid YAML: found undefined alias"),
        ("a: 1\nb: \x07\n", "job.yaml:2: unsupported control character 0x07; expected printable text"),
        ("a: 1\nb: \0\n", "job.yaml:2: unsupported control character 0x00; expected printable text"),
        ("x" * 1_000_001, "job.yaml: spec too large: 1000001 characters; expected at most 1000000"),
        ("a: \ud800", "job.yaml: unsupported lone surrogates in the text"),
    ],
)
def test_what_is_no_job_at_all(text, wrong, refused):
    assert refused(text) == [wrong]


@pytest.mark.parametrize("cron", ["* * * * *", "*/5 * * * *", "@daily"])
def test_a_cron_without_quotes(cron, refused):
    [block], [flow] = refused(f"a: 1\ncron: {cron}\n"), refused(f"schedule: {{cron: {cron}}}\n")
    assert block.startswith("job.yaml:2: invalid YAML: ")
    assert flow.startswith("job.yaml:1: invalid YAML: ")
    assert block.endswith(f"; expected quotes around a value that begins with {cron[0]}")
    assert flow.endswith(f"; expected quotes around a value that begins with {cron[0]}")


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("retries: {attempts: 010}", "retries.attempts: ambiguous number 010"),
        ("retries: {attempts: 0x10}", "retries.attempts: ambiguous number 0x10"),
        ("retries: {attempts: 1_0}", "retries.attempts: ambiguous number 1_0"),
        ("retries: {attempts: +3}", "retries.attempts: ambiguous number +3"),
        ("retries: {delay: 1:30}", "retries.delay: ambiguous number 1:30"),
        ("retries: {backoff: .5}", "retries.backoff: ambiguous number .5"),
        ("retries: {backoff: .inf}", "retries.backoff: ambiguous number .inf"),
        ("owner: on", "owner: ambiguous boolean on"),
        ("owner: 2026-12-01", "owner: ambiguous date 2026-12-01"),
        ("owner: 2026-12-01T09:00:00Z", "owner: ambiguous date 2026-12-01T09:00:00Z"),
        ("off: x", "off: invalid key of the type bool"),
        ("5: x", "5: invalid key of the type int"),
        ("? [a]\n: x", "?: invalid key of the type seq"),
        ("<<: {a: 1}", '<<: unsupported merge key "<<"; expected the merged keys themselves'),
        ("owner: !!str me\nowner: you", 'owner: duplicate key "owner"'),
        ("owner: !!python/name:os.system", 'owner: unsupported tag "!!python/name:os.system"'),
        ("owner: !secret me", 'owner: unsupported tag "!secret"'),
        ("tags: !!set {a, b}", 'tags: unsupported tag "!!set"'),
        ("tags: !!binary aGk=", 'tags: unsupported tag "!!binary"'),
    ],
)
def test_what_yaml_readers_read_differently(line, told, refused):
    assert any(f": {told}; " in f"{problem}; " for problem in refused(SMALL + line))


@pytest.mark.parametrize("quoted", ['"yes"', "'010'", '"1:30"', '"2026-12-01"', '"null"', '"<<"', '"5"'])
def test_quotes_make_text_of_it(quoted, parsed):
    assert parsed(f"owner: {quoted}\n").owner == quoted[1:-1]


def test_one_fault_is_told_once(refused):
    assert len(refused(SMALL + "retries: {attempts: 010}")) == 1
    assert len(refused(SMALL + "owner: on\nowner: off")) == 3  # two booleans, and one key given twice
    assert len(refused(SMALL + "5: x")) == 1


def test_aliases_are_allowed(parsed):
    job = parsed("params:\n  a: &number {type: integer}\n  b: *number\n")
    assert job.params["a"] == job.params["b"] == {"type": "integer"}


def test_a_secret_is_not_told(refused):
    text = SMALL + "password: hunter2\nparams: {api_token: {default: NO, type: strin}}\n"
    assert "hunter2" not in "".join(refused(text))
    assert "boolean NO" not in "".join(refused(text))


def test_long_values_are_cut(refused):
    told = refused(SMALL + f"retries: {{delay: {'x' * 5000}}}\n" + f"{'y' * 500}: 1\n")
    assert max(map(len, told)) < 300
    assert f'duration "{"x" * 58}…' in told[0]


def test_many_problems_are_cut(refused):
    told = refused(SMALL + "tags: [" + "5, " * 200 + "]\n")
    assert len(told) == 51
    assert told[-1] == "job.yaml: … and more"


def test_reads_a_file(tmp_path):
    path = tmp_path / "my_job.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + SMALL.replace("\n", "\r\n").encode() + "owner: Zoë\r\n".encode())
    job = load_job(str(path))
    assert job.id == "my_job"
    assert job.owner == "Zoë"


def test_a_wrong_file_name_is_a_wrong_id(tmp_path):
    path = tmp_path / "my job.yaml"
    path.write_text(SMALL)
    with pytest.raises(SpecError) as raised:
        load_job(path)
    assert str(raised.value) == (
        f'{path}: id: invalid job id "my job"; expected at most 200 letters, digits, -, . and _, not only dots; the name of the file is the job id'
    )


def test_files_that_cannot_be_read(tmp_path):
    latin = tmp_path / "latin.yaml"
    latin.write_bytes(SMALL.encode() + "owner: Zoë".encode("latin-1"))
    utf16 = tmp_path / "utf16.yaml"
    utf16.write_bytes(SMALL.encode("utf-16"))
    large = tmp_path / "large.yaml"
    large.write_bytes(b"#" * 1_000_001)
    for path, wrong in (
        (latin, ":3: invalid UTF-8 byte 0xeb"),
        (utf16, ":1: invalid UTF-8 byte 0xff"),
        (large, ": file too large; expected at most 1000000 bytes"),
        (tmp_path / "none.yaml", ": cannot read the file: No such file or directory"),
        (tmp_path, ": cannot read the file: Is a directory"),
    ):
        with pytest.raises(SpecError) as raised:
            load_job(path)
        assert str(raised.value) == f"{path}{wrong}"
        assert len(raised.value.problems) == 1


def test_a_file_without_permission():
    with tempfile.TemporaryDirectory() as name:
        folder, path = Path(name), Path(name, "job.yaml")
        folder.chmod(0o755)
        path.write_text(SMALL)
        assert load_job(path).id == "job"
        path.chmod(0)
        with unprivileged(), pytest.raises(SpecError, match="cannot read the file: Permission denied"):
            load_job(path)


def test_a_python_file_in_the_place_of_a_spec(tmp_path):
    with pytest.raises(SpecError, match=r"twin\.py: a Python file, not a job spec; expected a YAML file"):
        load_job(tmp_path / "twin.py")
