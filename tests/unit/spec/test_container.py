from datetime import timedelta

import pytest

from airflow_mcp_provider.errors import SpecError
from airflow_mcp_provider.spec import Container, ContainerWork, parse_job, parse_plan, parse_subtask, parse_work

JOB = "plan: {{items: [1]}}\nrun:\n  container: {container}\n{more}"


def job(container, more=""):
    return parse_job(JOB.format(container=container, more=more), id="job", source="job.yaml")


def test_an_image_is_enough():
    work = job("{image: alpine:3}").run
    assert work == ContainerWork(container=Container(image="alpine:3"))
    assert (work.container.command, work.container.args, work.container.start) == (None, None, timedelta(minutes=10))


def test_all_that_can_be_said_survives_its_way_to_the_runner():
    text = "{image: 'python:{py}', command: [sh, -c], args: ['echo {{}} {item}', 1], env: {A: 1, b.c: true}, user: 0, start: 90s}"
    work = job(text).run
    assert parse_subtask(work.model_dump(mode="json")) == parse_plan(work.model_dump(mode="json")) == work
    assert dict(work.container.env) == {"A": "1", "b.c": "true"}
    with pytest.raises(SpecError, match=r"exactly one of python, command, shell$"):
        parse_work(work.model_dump(mode="json"))


@pytest.mark.parametrize(
    ("container", "wrong"),
    [
        ("{}", "run.container.image: missing required key"),
        ("alpine", 'run.container: invalid value "alpine"; expected a mapping'),
        ("{image: a b}", 'run.container.image: invalid image name "a b"; expected for example python:3.13'),
        ("{image: ''}", 'run.container.image: invalid image name ""'),
        ("{image: '{a'}", 'run.container.image: invalid brace "{" in'),
        ("{imge: a}", 'run.container.imge: unknown key "imge"'),
        ("{image: a, command: []}", "run.container.command: missing program in the command"),
        ("{image: a, args: ['}']}", 'run.container.args.0: invalid brace "}" in'),
        ("{image: a, env: {1a: b}}", "run.container.env.1a"),
        ("{image: a, env: {MCP_RESULT: b}}", "run.container.env.MCP_RESULT: reserved variable MCP_RESULT"),
        ("{image: a, user: root}", 'run.container.user: invalid value "root"; expected an integer'),
        ("{image: a, user: -1}", "run.container.user: "),
        ("{image: a, start: 0s}", 'run.container.start: invalid time limit "0s"; expected more than 0s'),
    ],
)
def test_what_is_wrong_is_told_with_its_place(container, wrong):
    with pytest.raises(SpecError) as raised:
        job(container)
    assert any(str(one).startswith(f"job.yaml:3: {wrong}") for one in raised.value.problems), str(raised.value)


def test_pod_has_no_second_image():
    with pytest.raises(
        SpecError,
        match=r"job.yaml:4: pod.image: unsupported image \"b\"; expected no image in pod, because run.container has one",
    ):
        job("{image: a}", "pod: {image: b}")
    assert job("{image: a}", "pod: {pull_policy: Never}").pod.pull_policy == "Never"


def test_nor_has_a_steps():
    text = "plan: {items: [1]}\nsteps:\n- {name: a, run: {container: {image: a}}, pod: {image: b}}\n"
    with pytest.raises(
        SpecError,
        match=r"steps.0.pod.image: unsupported image \"b\"; expected no image in pod, because run.container has one",
    ):
        parse_job(text, id="job", source="job.yaml")
    others = "plan: {items: [1]}\nsteps:\n- {name: a, run: {container: {image: a}}}\n- {name: b, run: {shell: x}}\npod: {image: b}"
    assert parse_job(others, id="job", source="job.yaml").pod.image == "b"
