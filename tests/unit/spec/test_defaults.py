import os
from pathlib import Path

import pytest

from airflow_mcp_provider.errors import SpecError
from airflow_mcp_provider.spec import FolderDefaults, defaults_of, load_job, sources, spec_files
from airflow_mcp_provider.spec.durations import human, parse_duration
from airflow_mcp_provider.spec.merge import merged, owners

GOOD = "plan: {items: [1]}\nrun: {shell: x}\n"


@pytest.fixture
def folder(tmp_path):
    """Make files below a folder; return it."""

    def made(**files: str) -> Path:
        for name, text in files.items():
            path = tmp_path / (name.replace("__", "/") + ".yaml")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return tmp_path

    return made


def refused(path: Path, defaults: FolderDefaults) -> list[str]:
    with pytest.raises(SpecError) as raised:
        load_job(path, defaults)
    return str(raised.value).replace(f"{path.parent}/", "").split("\n")


def test_the_innermost_value_wins_and_mappings_are_merged(folder):
    root = folder(
        _defaults="owner: outer\ntags: [a, b]\nretries: {attempts: 5, delay: 1s}\ntimeouts: {hard: 5m}\n",
        team___defaults="owner: inner\nretries: {delay: 2s}\n",
        team__job=GOOD + "tags: [c]\ntimeouts: {soft: 1m}\n",
    )
    spec = load_job(root / "team" / "job.yaml", FolderDefaults(root))
    assert (spec.owner, spec.tags, spec.retries.attempts) == ("inner", ("c",), 5)
    assert human(spec.retries.delay) == "2s"
    assert (spec.timeouts.soft, spec.timeouts.hard) == (parse_duration("1m"), parse_duration("5m"))


def test_defaults_are_no_job(folder):
    root = folder(_defaults="owner: a\n", job=GOOD)
    assert [path.name for path in spec_files(root)] == ["job.yaml"]
    (root / "_defaults.yml").write_text(GOOD)
    assert 'reserved job id "_defaults"' in refused(root / "_defaults.yml", FolderDefaults(root))[0]


@pytest.mark.parametrize(
    ("outer", "inner", "whole"),
    [
        ({"run": {"shell": "x"}}, {"steps": [1]}, {"steps": [1]}),
        ({"steps": [1]}, {"run": {"shell": "x"}}, {"run": {"shell": "x"}}),
        ({"run": {"shell": "x"}}, {"run": {"python": "a:b"}}, {"run": {"python": "a:b"}}),
        ({"plan": {"items": [1]}}, {"plan": {"shell": "x"}}, {"plan": {"shell": "x"}}),
        ({"params": {"a": {"type": "string", "default": "x"}, "b": {}}}, {"params": {"a": {"type": "null"}}}, {"params": {"a": {"type": "null"}, "b": {}}}),
        ({"schedule": {"cron": "@daily", "jitter": "5m"}}, {"schedule": {"every": "1h"}}, {"schedule": {"jitter": "5m", "every": "1h"}}),
        ({"schedule": {"conf": {"a": {"b": 1}, "c": 1}}}, {"schedule": {"conf": {"a": {"d": 1}}}}, {"schedule": {"conf": {"a": {"d": 1}, "c": 1}}}),
        ({"on": {"failure": {"notifier": "a.B", "args": {"x": 1}}}}, {"on": {"failure": {"notifier": "c.D"}}}, {"on": {"failure": {"notifier": "c.D"}}}),
        ({"pod": {"image": "a", "env": {"A": "1"}}}, {"pod": {"image": None, "env": {"B": "2"}}}, {"pod": {"env": {"A": "1", "B": "2"}}}),
        ({"retries": {"attempts": 2}}, {"retries": 5}, {"retries": 5}),
        ({"tags": ["a"]}, {"tags": ["b"]}, {"tags": ["b"]}),
        ({}, {"pod": None}, {"pod": None}),
    ],
)  # fmt: skip
def test_what_means_something_only_as_a_whole_is_replaced(outer, inner, whole):
    assert merged([outer, inner]) == whole
    assert {path[0] for path in owners([outer, inner])} == set(whole)


def test_rules_of_a_schedule_in_defaults_make_no_schedule(folder):
    root = folder(
        _defaults="schedule: {timezone: Europe/Berlin, jitter: 10m}\n",
        plain=GOOD,
        nightly=GOOD + 'schedule: {cron: "@daily"}\n',
        wrong=GOOD + "schedule: {misfire_grace: 1h}\n",
    )
    defaults = FolderDefaults(root)
    assert load_job(root / "plain.yaml", defaults).schedule is None
    nightly = load_job(root / "nightly.yaml", defaults).schedule
    assert nightly
    assert (nightly.timezone, nightly.jitter) == ("Europe/Berlin", parse_duration("10m"))
    assert "schedule: missing key" in refused(root / "wrong.yaml", defaults)[0]


def test_each_value_has_its_file_and_line(folder):
    root = folder(
        _defaults="# common\nretries:\n  attempts: 5\n  delay: 1s\n",
        job=GOOD + "retries: {delay: 2s}\n",
    )
    found = sources(root / "job.yaml", FolderDefaults(root))
    assert str(found.origin("retries.attempts")) == f"{root}/_defaults.yaml:3"
    assert str(found.origin("retries.delay")) == f"{root}/job.yaml:3"
    assert str(found.origin("retries")) == f"{root}/job.yaml:3"
    assert str(found.origin("plan.items.0")) == f"{root}/job.yaml:1"
    assert found.origin("retries.backoff") is None


def test_a_wrong_value_is_an_error_of_the_file_that_has_it(folder):
    root = folder(
        _defaults="owner: a\nretires: {attempts: 5}\ntimeouts: {hard: 1m}\nid: x\ntags: yes\n",
        job=GOOD + "timeouts: {soft: 5m}\n",
    )
    assert refused(root / "job.yaml", FolderDefaults(root)) == [
        '_defaults.yaml:2: retires: unknown key "retires" (did you mean retries?); expected one of '
        + ", ".join(name for name in type(load_job(folder(x__ok=GOOD) / "x" / "ok.yaml")).model_fields if name != "id"),
        "_defaults.yaml:3: timeouts.hard: time limit too short: 1m; expected more than 5m, the value of soft",
        '_defaults.yaml:4: id: unsupported key "id"; expected no id: the file name is the job id',
        '_defaults.yaml:5: tags: ambiguous boolean yes; expected true, false, or "quotes" around text',
    ]


def test_a_wrong_value_that_a_spec_replaces_harms_it_not(folder):
    root = folder(_defaults="retries: {attempts: 0}\n", bad=GOOD, good=GOOD + "retries: {attempts: 1}\n")
    assert load_job(root / "good.yaml", FolderDefaults(root)).retries.attempts == 1
    assert refused(root / "bad.yaml", FolderDefaults(root))[0].startswith("_defaults.yaml:1: retries.attempts: number")


@pytest.mark.parametrize("text", ["owner: [", "[a]", "a: *a", "owner: a\n---\nowner: b\n", "\x00"])
def test_broken_defaults_are_an_error_of_the_specs_below_them_alone(folder, text):
    root = folder(a___defaults=text, a__b__job=GOOD, c__job2=GOOD)
    defaults = FolderDefaults(root)
    assert load_job(root / "c" / "job2.yaml", defaults).id == "job2"
    for path in (root / "a" / "b" / "job.yaml",):
        assert refused(path, defaults)[0].startswith(f"{root}/a/_defaults.yaml")


def test_defaults_that_cannot_be_read_are_an_error(folder):
    root = folder(job=GOOD)
    (root / "_defaults.yaml").symlink_to("_defaults.yaml")
    assert "_defaults.yaml: cannot read the file" in refused(root / "job.yaml", FolderDefaults(root))[0]


@pytest.mark.parametrize("text", ["", "\n  \n", "# only a comment\n"])
def test_empty_defaults_have_no_values(folder, text):
    root = folder(_defaults=text, job=GOOD)
    assert load_job(root / "job.yaml", FolderDefaults(root)).owner == "mcp"


def test_a_file_is_read_once(folder, monkeypatch):
    root = folder(_defaults="owner: a\n", one=GOOD, two=GOOD)
    defaults = FolderDefaults(root)
    assert load_job(root / "one.yaml", defaults).owner == "a"
    (root / "_defaults.yaml").write_text("owner: b\n")
    assert load_job(root / "two.yaml", defaults).owner == "a"


def test_a_single_file_gets_the_defaults_of_the_loaded_folder(folder, monkeypatch):
    root = folder(dags___defaults="owner: z\n", dags__jobs___defaults="owner: a\n", dags__jobs__team__job=GOOD)
    path = root / "dags" / "jobs" / "team" / "job.yaml"
    assert load_job(path, defaults_of(path)).owner == "mcp"
    (root / "dags" / "jobs.py").write_text("from airflow_mcp_provider.factory import load_dags\n")
    assert load_job(path, defaults_of(path)).owner == "mcp"  # it loads another folder
    (root / "dags" / "all.py").write_text(
        'from airflow_mcp_provider.factory import load_dags\nload_dags(here / "jobs")\n'
    )
    assert load_job(path, defaults_of(path)).owner == "a"
    monkeypatch.chdir(path.parent)
    assert load_job(Path("job.yaml"), defaults_of(Path("job.yaml"))).owner == "a"
    assert load_job(os.path.relpath(path), defaults_of(path)).owner == "a"
    monkeypatch.chdir(root)
    assert defaults_of(Path("dags/jobs/team/job.yaml")).root == Path("dags/jobs")
    assert defaults_of(Path("dags/../dags/jobs/team/job.yaml")).root == root / "dags" / "jobs"


def test_only_the_files_above_a_spec_are_read(folder):
    root = folder(_defaults="owner: a\n", a___defaults="[", a__b__other=GOOD, c__job=GOOD, d___defaults="[")
    (root / "a" / "_defaults.yaml").chmod(0)
    defaults = FolderDefaults(root)
    assert load_job(root / "c" / "job.yaml", defaults).owner == "a"
    assert sorted(defaults._read) == [root, root / "c"]


def test_a_spec_outside_of_the_root_gets_those_of_its_own_folder(folder):
    root = folder(_defaults="owner: a\n", a__job=GOOD, b___defaults="owner: b\n", b__job2=GOOD)
    assert load_job(root / "b" / "job2.yaml", FolderDefaults(root / "a")).owner == "b"
    assert load_job(root / "a" / "job.yaml", FolderDefaults(root / "b")).owner == "mcp"
