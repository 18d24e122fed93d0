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
        (
            'job.yaml:1: description: is a boolean to some YAML readers; given yes; allowed true, false, or "quotes" '
            "around text"
        ),
        'job.yaml:2: owner: must be a string; given 5; allowed a "string"',
        (
            "job.yaml:3: tgas: is an unknown key, did you mean tags?; allowed description, owner, tags, params, plan, "
            "steps, run, report, subtasks, retries, timeouts, queue, pod, control"
        ),
        (
            'job.yaml:5: params.url.type: is no JSON Schema; given "strin"; allowed string, number, integer, boolean, '
            'object, array, "null" (in quotes), or a list of these'
        ),
        'job.yaml:6: params.on: is no text, as a key must be; given bool; allowed "quotes" around text',
        (
            'job.yaml:9: plan.items.0: is a boolean to some YAML readers; given NO; allowed true, false, or "quotes" '
            "around text"
        ),
        (
            "job.yaml:10: plan.items.1: is a number that YAML readers read differently; given 1:30; allowed decimals "
            'such as 90, or "quotes" around text'
        ),
        'job.yaml:11: plan.items.2.at: is a date to some YAML readers; given 2020-01-01; allowed "quotes" around text',
        (
            "job.yaml:13: run.pyhton: is an unknown key, did you mean python?; allowed exactly one of python, command, "
            "shell, container, job"
        ),
        "job.yaml:14: report: must have one key; given python and shell; allowed exactly one of python, command, shell",
        "job.yaml:16: subtasks.limit: is too small; given 0; allowed a number from 1 to 1000000",
        (
            'job.yaml:17: subtasks.tolerate: is no count or percentage of subtasks; given "0%"; allowed a count such '
            "as 3, or a part of all subtasks such as 5% (above 0%, up to 100%)"
        ),
        "job.yaml:18: retries.backoff: is given twice; allowed each key once",
        "job.yaml:18: retries.attempts: is too large; given 101; allowed a number from 1 to 100",
        "job.yaml:21: timeouts.hard: is not longer than soft; given 9m; allowed more than 10m",
    ]


def test_problems_are_values_too():
    with pytest.raises(SpecError) as raised:
        parse_job(SMALL + "owner: 5\n", id="job", source="dags/job.yaml")
    assert raised.value.problems == (
        Problem('must be a string; given 5; allowed a "string"', "owner", "dags/job.yaml", 3),
    )
    with pytest.raises(AttributeError):
        raised.value.problems[0].line = 4


def test_what_is_missing_is_told_where_the_job_begins(refused):
    assert refused("# a job\n\nowner: me\n") == [
        'job.yaml:3: plan: is missing; allowed such as {"python": "my_pkg.crawl:plan"}',
        'job.yaml:3: run: is missing; allowed such as {"python": "my_pkg.crawl:visit"}',
    ]


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("", "job.yaml: is no job; given nothing; allowed a mapping with the keys plan and run"),
        ("# only words\n", "job.yaml: is no job; given nothing; allowed a mapping with the keys plan and run"),
        ("- a\n- b\n", "job.yaml:1: is no job; given a list; allowed a mapping with the keys plan and run"),
        ("\njust words\n", "job.yaml:2: is no job; given a single value; allowed a mapping with the keys plan and run"),
        ("run:\n\tshell: x\n", "job.yaml:2: is indented by a tab; allowed spaces"),
        (SMALL + "---\n" + SMALL, "job.yaml:3: has several documents; allowed one job a file"),
        ("a: {b\n", "job.yaml:2: is no YAML: did not find expected ',' or '}'"),
        ("a: 1\nb: *nope\n", "job.yaml:2: is no YAML: found undefined alias"),
        ("a: 1\nb: \x07\n", "job.yaml:2: has a control character; given 0x07; allowed printable text"),
        ("a: 1\nb: \0\n", "job.yaml:2: has a control character; given 0x00; allowed printable text"),
        ("x" * 1_000_001, "job.yaml: is too large; given 1000001 characters; allowed 1000000"),
        ("a: \ud800", "job.yaml: has lone surrogates"),
    ],
)
def test_what_is_no_job_at_all(text, wrong, refused):
    assert refused(text) == [wrong]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("retries: {attempts: 010}", "retries.attempts: is a number that YAML readers read differently; given 010"),
        ("retries: {attempts: 0x10}", "retries.attempts: is a number that YAML readers read differently; given 0x10"),
        ("retries: {attempts: 1_0}", "retries.attempts: is a number that YAML readers read differently; given 1_0"),
        ("retries: {attempts: +3}", "retries.attempts: is a number that YAML readers read differently; given +3"),
        ("retries: {delay: 1:30}", "retries.delay: is a number that YAML readers read differently; given 1:30"),
        ("retries: {backoff: .5}", "retries.backoff: is a number that YAML readers read differently; given .5"),
        ("retries: {backoff: .inf}", "retries.backoff: is a number that YAML readers read differently; given .inf"),
        ("owner: on", "owner: is a boolean to some YAML readers; given on"),
        ("owner: 2026-12-01", "owner: is a date to some YAML readers; given 2026-12-01"),
        ("owner: 2026-12-01T09:00:00Z", "owner: is a date to some YAML readers; given 2026-12-01T09:00:00Z"),
        ("off: x", "off: is no text, as a key must be; given bool"),
        ("5: x", "5: is no text, as a key must be; given int"),
        ("? [a]\n: x", "?: is no text, as a key must be; given seq"),
        ("<<: {a: 1}", "<<: is a merge; allowed the merged keys themselves"),
        ("owner: !!str me\nowner: you", "owner: is given twice"),
        ("owner: !!python/name:os.system", 'owner: has a tag; given "!!python/name:os.system"'),
        ("owner: !secret me", 'owner: has a tag; given "!secret"'),
        ("tags: !!set {a, b}", 'tags: has a tag; given "!!set"'),
        ("tags: !!binary aGk=", 'tags: has a tag; given "!!binary"'),
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
    assert "given NO" not in "".join(refused(text))


def test_long_values_are_cut(refused):
    told = refused(SMALL + f"retries: {{delay: {'x' * 5000}}}\n" + f"{'y' * 500}: 1\n")
    assert max(map(len, told)) < 250
    assert f'given "{"x" * 58}…' in told[0]


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
        f'{path}: id: is no job id; given "my job"; allowed letters, digits, - . and _, at most 200, not dots alone'
    )


def test_files_that_cannot_be_read(tmp_path):
    latin = tmp_path / "latin.yaml"
    latin.write_bytes(SMALL.encode() + "owner: Zoë".encode("latin-1"))
    utf16 = tmp_path / "utf16.yaml"
    utf16.write_bytes(SMALL.encode("utf-16"))
    large = tmp_path / "large.yaml"
    large.write_bytes(b"#" * 1_000_001)
    for path, wrong in (
        (latin, ":3: is no UTF-8 text; given byte 0xeb"),
        (utf16, ":1: is no UTF-8 text; given byte 0xff"),
        (large, ": is too large; allowed 1000000 bytes"),
        (tmp_path / "none.yaml", ": cannot be read: No such file or directory"),
        (tmp_path, ": cannot be read: Is a directory"),
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
        with unprivileged(), pytest.raises(SpecError, match="cannot be read: Permission denied"):
            load_job(path)
