import copy
import pickle
from datetime import timedelta

import pytest

from airflow_mcp_provider.errors import SpecError
from airflow_mcp_provider.spec import (
    CommandWork,
    Items,
    JobSpec,
    OnOom,
    Pod,
    PythonWork,
    Queue,
    Resources,
    Retries,
    ShellWork,
    Subtasks,
    Timeouts,
    Tolerate,
    parse_job,
)

FULL = """\
description: Walk a site and measure every page.
owner: web team
tags: [crawl, "2026"]
params:
  url: {type: string, format: uri, title: Start page, default: "https://example.org"}
  pages: {type: integer, minimum: 1}
plan: {python: my_pkg.crawl:plan}
run:
  command: [python, visit.py, "{url}", 3]
report: {python: my_pkg.crawl:summary}
subtasks: {key: url, parallelism: 8, depth: 20, limit: 5000, tolerate: 5%}
retries: {attempts: 5, delay: 90s, backoff: 1.5, max_delay: 1h30m, never_on: [ValueError], only_on: [my_pkg.Gone]}
timeouts: {soft: 9m, hard: 10m, run: 1h, queue: 30m}
queue: {priority: 5, rate: 3/h per submitter, unique: [url], memory: 512Mi, keep: 30d}
pod: {image: "site:1", resources: {limits: {memory: 1Gi}}, on_oom: {memory: x2, max: 8Gi}}
control: local
"""


@pytest.fixture
def full():
    return parse_job(FULL, id="crawl_site", source="crawl_site.yaml")


def test_every_field_is_read(full):
    assert full.id == "crawl_site"
    assert full.description == "Walk a site and measure every page."
    assert full.owner == "web team"
    assert full.tags == ("crawl", "2026")
    assert full.params == {
        "url": {"type": "string", "format": "uri", "title": "Start page", "default": "https://example.org"},
        "pages": {"type": "integer", "minimum": 1},
    }
    assert full.plan == PythonWork(python="my_pkg.crawl:plan")
    assert full.run == CommandWork(command=("python", "visit.py", "{url}", "3"))
    assert full.report == PythonWork(python="my_pkg.crawl:summary")
    assert full.subtasks == Subtasks(key="url", parallelism=8, depth=20, limit=5000, tolerate="5%")
    assert full.retries.delay == timedelta(seconds=90)
    assert full.retries.only_on == ("my_pkg.Gone",)
    assert full.timeouts.run == timedelta(hours=1)


def test_defaults(parsed):
    assert parsed() == JobSpec(
        id="job",
        description="",
        owner="mcp",
        tags=(),
        params={},
        plan=Items(items=(1,)),
        run=ShellWork(shell="true"),  # noqa: S604 - a value, no call of a shell
        report=None,
        subtasks=Subtasks(key=None, parallelism=None, depth=100, limit=10_000, tolerate=Tolerate(count=0)),
        retries=Retries(attempts=3, delay="60s", backoff=2, max_delay="10m", never_on=[], only_on=[]),
        timeouts=Timeouts(soft=None, hard=None, run=None, queue=None),
        queue=Queue(priority=0),
        pod=None,
        control="pod",
    )


def test_python_and_yaml_make_the_same_job(full):
    twin = JobSpec(
        id="crawl_site",
        description="Walk a site and measure every page.",
        owner="web team",
        tags=["crawl", "2026"],
        params={
            "url": {"type": "string", "format": "uri", "title": "Start page", "default": "https://example.org"},
            "pages": {"type": "integer", "minimum": 1},
        },
        plan={"python": "my_pkg.crawl:plan"},
        run=CommandWork(command=["python", "visit.py", "{url}", 3]),
        report=PythonWork(python="my_pkg.crawl:summary"),
        subtasks=Subtasks(key="url", parallelism=8, depth=20, limit=5000, tolerate="5%"),
        retries=Retries(
            attempts=5, delay=90, backoff=1.5, max_delay="1h30m", never_on=["ValueError"], only_on=["my_pkg.Gone"]
        ),
        timeouts=Timeouts(soft=timedelta(minutes=9), hard="10m", run="1h", queue=1800),
        queue=Queue(priority=5, rate="3/h per submitter", unique=["url"], memory="512Mi", keep="30d"),
        pod=Pod(image="site:1", resources=Resources(limits={"memory": "1Gi"}), on_oom=OnOom(memory="x2", max="8Gi")),
        control="local",
    )
    assert twin == full


def test_json_goes_there_and_back(full, parsed):
    for spec in (full, parsed(), parsed("retries: {delay: 15m}\n")):
        assert JobSpec.model_validate(spec.model_dump(mode="json")) == spec
        assert JobSpec.model_validate(spec.model_dump()) == spec
        assert JobSpec.model_validate_json(spec.model_dump_json()) == spec


def test_json_is_in_human_form(full):
    dumped = full.model_dump(mode="json")
    assert dumped["subtasks"]["tolerate"] == "5%"
    assert dumped["retries"]["max_delay"] == "1h30m"
    assert dumped["timeouts"] == {"soft": "9m", "hard": "10m", "run": "1h", "queue": "30m"}
    queue = {"priority": 5, "rate": "3/h per submitter", "unique": ["url"], "memory": "512Mi", "keep": "30d"}
    assert dumped["queue"] == {"max_pending": None, "per_submitter": None, "overlap": "queue", **queue}


def test_pickles_and_copies(full):
    assert pickle.loads(pickle.dumps(full)) == full  # noqa: S301 - our own bytes
    assert copy.deepcopy(full) == full


def test_nothing_in_a_job_can_be_changed(full):
    for part in (full, full.subtasks, full.retries, full.timeouts, full.plan, full.run):
        with pytest.raises(Exception, match="frozen"):
            setattr(part, next(iter(type(part).model_fields)), "other")
    with pytest.raises(TypeError):
        full.params["url"] = {}
    with pytest.raises(TypeError):
        full.params["url"]["title"] = "other"


def test_what_a_job_is_made_of_can_be_changed_later_without_changing_it():
    tags, params, items = ["a"], {"n": {"enum": [1]}}, [{"a": [1]}]
    job = JobSpec(id="a", tags=tags, params=params, plan={"items": items}, run={"shell": "x"})
    tags.append("b")
    params["n"]["enum"].append(2)
    items[0]["a"].append(2)
    assert job == JobSpec(
        id="a", tags=["a"], params={"n": {"enum": [1]}}, plan={"items": [{"a": [1]}]}, run={"shell": "x"}
    )


def test_a_wrong_job_in_python_is_the_same_error_without_file_and_line():
    with pytest.raises(SpecError) as raised:
        JobSpec(id="a", plan={"items": 1}, run={"shell": "x", "python": "a:b"}, timeouts={"soft": "1"}, tgas=[])
    assert str(raised.value).split("\n") == [
        "plan.items: invalid value 1; expected a list: […, …]",
        "run: conflicting keys shell and python; expected exactly one of python, command, shell, container, job",
        ('timeouts.soft: invalid duration "1"; expected for example 90s, 5m, 1h30m, 2d, 500ms, or a number of seconds'),
        (
            'tgas: unknown key "tgas" (did you mean tags?); expected one of description, owner, tags, params, plan, steps, run, '
            "report, subtasks, retries, timeouts, queue, schedule, on, pod, control"
        ),
    ]
    assert {(problem.file, problem.line) for problem in raised.value.problems} == {(None, None)}


def test_what_is_missing_is_told_by_example():
    with pytest.raises(SpecError) as raised:
        JobSpec()
    assert str(raised.value).split("\n") == [
        'id: missing required key; expected for example "crawl_site"',
        'plan: missing required key; expected for example {"python": "my_pkg.crawl:plan"}',
        'run: missing required key; expected run, for example {"python": "my_pkg.crawl:visit"}, or steps',
    ]
    with pytest.raises(SpecError, match=r"^invalid value \(an empty list\); expected a mapping"):
        JobSpec.model_validate([])


@pytest.mark.parametrize("name", ["a", "crawl_site", "team.crawl-2", "A" * 200, "0"])
def test_ids(name):
    assert JobSpec(id=name, plan={"items": []}, run={"shell": "x"}).id == name


@pytest.mark.parametrize("name", ["", " ", "a b", "a/b", "é", "a\n", "a\0", ".", "..", "A" * 201, 5, None, "\uff41"])
def test_ids_that_airflow_could_not_bear(name):
    with pytest.raises(SpecError, match=r"^id: "):
        JobSpec(id=name, plan={"items": []}, run={"shell": "x"})


@pytest.mark.parametrize(
    ("more", "wrong"),
    [
        ("tags: [a, a]", 'tags: duplicate tag "a"; expected each tag once'),
        ("tags: a", 'tags: invalid value "a"; expected a list: […, …]'),
        ("tags: [a, ' ']", 'tags.1: invalid tag " "; expected 1 to 100 characters, not blank'),
        ("tags: [5]", 'tags.0: invalid value 5; expected a string (put it in "quotes")'),
        ("owner: ''", 'owner: invalid owner ""; expected 1 to 200 characters, not blank'),
        ("description: [a]", 'description: invalid value (a list); expected a string (put it in "quotes")'),
        ("description:", 'description: invalid value null; expected a string (put it in "quotes")'),
        (
            'description: "\\0"',
            "description: unsupported characters; expected text without null bytes and lone surrogates",
        ),
        ("id: job", 'id: unsupported key "id"; expected no id: the file name is the job id'),
        (
            "subtasks: {limit: 0}",
            "subtasks.limit: number too small: 0; expected a number from 1 to 1000000",
        ),
    ],
)
def test_wrong_fields(more, wrong, refused):
    assert refused(f"plan: {{items: [1]}}\nrun: {{shell: x}}\n{more}\n") == [f"job.yaml:3: {wrong}"]


def test_more_items_than_the_default_limit():
    with pytest.raises(
        SpecError,
        match=r"^subtasks\.limit: limit too small: 10000; expected at least 10001, the number of items in plan",
    ):
        JobSpec(id="a", plan=Items(items=list(range(10_001))), run={"shell": "x"})
    assert len(JobSpec(id="a", plan=Items(items=list(range(10_000))), run={"shell": "x"}).plan.items) == 10_000


def test_more_items_than_the_limit(refused):
    assert refused("plan: {items: [1, 2, 3]}\nrun: {shell: x}\nsubtasks:\n  depth: 1\n  limit: 2\n") == [
        "job.yaml:5: subtasks.limit: limit too small: 2; expected at least 3, the number of items in plan"
    ]
