import pytest

from airflow_mcp_provider.spec import JobSpec, Retries, Step, StepSubtasks, StepTimeouts, Timeouts

PLAN = "plan: {items: [1]}\n"
STAGED = (
    PLAN
    + """\
steps:
  - {name: search, run: {python: "a:search"}}
  - name: write
    run: {command: [write, "{search}"]}
    wait: all
    subtasks: {parallelism: 2, depth: 0}
    retries: {attempts: 1}
    timeouts: {hard: 5m}
retries: {attempts: 5}
timeouts: {soft: 1m, run: 1h}
subtasks: {key: node, depth: 7, limit: 9, parallelism: 8}
"""
)


@pytest.fixture
def staged(read):
    return read(STAGED)


@pytest.fixture
def read():
    from airflow_mcp_provider.spec import parse_job

    return lambda text: parse_job(text, id="job", source="job.yaml")


def test_a_step_takes_from_the_job_what_it_does_not_say(staged):
    search, write = staged.each_step
    assert (search.retries, search.timeouts) == (staged.retries, staged.timeouts)
    assert search.subtasks == StepSubtasks(batch=1, depth=7, limit=9)
    assert (write.retries, write.timeouts) == (Retries(attempts=1), StepTimeouts(hard="5m"))
    assert write.subtasks == StepSubtasks(parallelism=2, batch=1, depth=0, limit=9)
    assert (search.wait, write.wait) == (None, "all")


def test_a_job_with_run_has_one_step(read):
    (step,) = read(PLAN + "run: {shell: x}\ntimeouts: {hard: 1m}\n").each_step
    assert (step.name, step.run.shell, step.wait, step.timeouts) == ("run", "x", None, Timeouts(hard="1m"))
    assert step.subtasks == StepSubtasks(batch=1, depth=100, limit=10_000)


def test_the_same_in_python(staged):
    twin = JobSpec(
        id="job",
        plan={"items": [1]},
        steps=[
            Step(name="search", run={"python": "a:search"}),
            {
                "name": "write",
                "run": {"command": ["write", "{search}"]},
                "wait": "all",
                "subtasks": {"parallelism": 2, "depth": 0},
                "retries": {"attempts": 1},
                "timeouts": {"hard": "5m"},
            },
        ],
        retries={"attempts": 5},
        timeouts={"soft": "1m", "run": "1h"},
        subtasks={"key": "node", "depth": 7, "limit": 9, "parallelism": 8},
    )
    assert twin == staged
    assert JobSpec.model_validate(staged.model_dump(mode="json")) == staged
    assert JobSpec.model_validate_json(staged.model_dump_json()) == staged


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        (
            "",
            'job.yaml:1: run: missing required key; expected run, for example {"python": "my_pkg.crawl:visit"}, or steps',
        ),
        (
            "steps: []",
            'job.yaml:1: run: missing required key; expected run, for example {"python": "my_pkg.crawl:visit"}, or steps',
        ),
        (
            "steps:\n- {name: a, run: {shell: x}}\nrun: {shell: x}",
            "job.yaml:4: run: conflict with steps; expected either run or steps, not both",
        ),
        (
            "steps:\n- {name: a, run: {shell: x}}\n- {name: a, run: {shell: y}}",
            "job.yaml:2: steps: duplicate step name a; expected each name once",
        ),
        (
            "steps:\n- {name: a, run: {shell: x}, wait: all}",
            "job.yaml:3: steps.0.wait: unsupported wait in the first step; expected no wait",
        ),
        (
            "steps:\n- {name: a, run: {shell: x}}\n- {name: b, wait: some, run: {shell: x}}",
            'job.yaml:4: steps.1.wait: unsupported value "some"; expected all',
        ),
        (
            "steps:\n- {run: {shell: x}}",
            'job.yaml:3: steps.0.name: missing required key; expected for example "search"',
        ),
        (
            "steps:\n- {name: a, run: {shel: x}}",
            (
                'job.yaml:3: steps.0.run.shel: unknown key "shel" (did you mean shell?); expected exactly one of python, '
                "command, shell, container, job"
            ),
        ),
        (
            "steps:\n- name: a\n  run: {command: [a, 1.5]}",
            (
                "job.yaml:4: steps.0.run.command.1: invalid argument 1.5; expected a string or an integer (put "
                'other values in "quotes")'
            ),
        ),
        (
            "steps:\n- {name: a, run: {shell: x}, retires: {}}",
            (
                'job.yaml:3: steps.0.retires: unknown key "retires" (did you mean retries?); expected one of name, run, wait, subtasks, '
                "retries, pod, timeouts"
            ),
        ),
        (
            "steps:\n- {name: a, run: {shell: x}, subtasks: {tolerate: 1}}",
            'job.yaml:3: steps.0.subtasks.tolerate: unknown key "tolerate"; expected one of parallelism, batch, depth, limit',
        ),
        (
            "steps:\n- {name: a, run: {shell: x}, subtasks: {limit: 0}}",
            "job.yaml:3: steps.0.subtasks.limit: number too small: 0; expected a number from 1 to 1000000",
        ),
        (
            "steps:\n- {name: a, run: {shell: x}, timeouts: {soft: 2, hard: 1}}",
            "job.yaml:3: steps.0.timeouts.hard: time limit too short: 1s; expected more than 2s, the value of soft",
        ),
        (
            "steps:\n- {name: a, run: {shell: x}, timeouts: {hard: 2h}}\ntimeouts: {run: 1h}",
            "job.yaml:4: timeouts.run: time limit too short: 1h; expected at least 2h, the longest timeouts.hard of a step",
        ),
        (
            "steps:\n- {name: a, run: {shell: x}}\nsubtasks: {key: a}",
            (
                "job.yaml:4: subtasks.key: key with the name of a step: a; expected another field of the payload (the result of "
                "the step would replace this one)"
            ),
        ),
        ("steps: {a: {shell: x}}", "job.yaml:2: steps: invalid value (a mapping); expected a list: […, …]"),
    ],
)
def test_what_is_wrong_with_steps(text, wrong, refused):
    assert refused(f"{PLAN}{text}\n") == [wrong]


@pytest.mark.parametrize("name", ["plan", "report", "a-b", "a.b", "1a", "", "é", "a b", "a\n", "x" * 101])
def test_names_that_are_none(name):
    with pytest.raises(Exception, match=r"^name: (invalid|reserved) step name "):
        Step(name=name, run={"shell": "x"})


def test_twenty_one_steps_are_too_many():
    steps = [{"name": f"s{number}", "run": {"shell": "x"}} for number in range(21)]
    assert len(JobSpec(id="a", plan={"items": []}, steps=steps[:20]).each_step) == 20
    with pytest.raises(Exception, match=r"^steps: too many steps: 21; expected at most 20$"):
        JobSpec(id="a", plan={"items": []}, steps=steps)
