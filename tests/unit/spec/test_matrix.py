import json

import pytest
from jsonschema import Draft202012Validator

from airflow_mcp_provider.spec import Items, JobSpec, parse_job, parse_plan
from airflow_mcp_provider.spec.schema import job_schema

TEXT = "plan: {items: {matrix: %s}}\nrun: {shell: 'true'}\n"


def test_every_combination_the_first_name_slowest():
    spec = parse_job(TEXT % '{os: [linux, "{x}"], py: [1, {a: []}], one: [true]}', id="job")
    assert spec.plan.items == (
        {"os": "linux", "py": 1, "one": True},
        {"os": "linux", "py": {"a": []}, "one": True},
        {"os": "{x}", "py": 1, "one": True},
        {"os": "{x}", "py": {"a": []}, "one": True},
    )
    assert parse_plan(json.loads(spec.plan.model_dump_json())) == spec.plan


def test_the_same_in_python():
    lists = {"os": ("linux", "mac"), "py": [1]}
    assert Items(items={"matrix": lists}) == Items(items=[{"os": "linux", "py": 1}, {"os": "mac", "py": 1}])


@pytest.mark.parametrize(
    ("matrix", "wrong"),
    [
        ("[1]", "plan.items.matrix: invalid matrix (a list); expected {name: [value, …], …}"),
        ("{}", "plan.items.matrix: invalid matrix (a mapping); expected {name: [value, …], …}"),
        ("{os: linux}", 'plan.items.matrix.os: invalid values of a matrix "linux"; expected [value, …]'),
        ("{os: []}", "plan.items.matrix.os: invalid values of a matrix (an empty list); expected [value, …]"),
        ('{os: [a, "{b"]}', 'plan.items.matrix.os.1: invalid brace "{" in "{b"'),
    ],
)
def test_what_is_no_matrix(refused, matrix, wrong):
    assert refused(TEXT % matrix)[0].startswith(f"job.yaml:1: {wrong}")


def test_another_mapping_is_none(refused):
    told = refused("plan: {items: {os: [a]}}\nrun: {shell: x}\n")
    assert told[0].startswith("job.yaml:1: plan.items: invalid items")


def test_a_product_is_bounded_before_it_is_made(refused):
    numbers = list(range(101))
    (told,) = refused(TEXT % json.dumps({"a": numbers, "b": numbers}))
    assert told.endswith("plan.items.matrix: too many combinations: 10201; expected at most 10000")


def test_the_limit_of_subtasks_counts_combinations(refused):
    (told,) = refused(TEXT % "{a: [1, 2], b: [1, 2]}" + "subtasks: {limit: 3}\n")
    assert "limit too small: 3; expected at least 4, the number of items in plan" in told


def test_editors_know_it():
    valid = Draft202012Validator(job_schema())
    assert valid.is_valid({"plan": {"items": {"matrix": {"a": [1]}}}, "run": {"shell": "x"}})
    assert not valid.is_valid({"plan": {"items": {"matrix": {"a": []}}}, "run": {"shell": "x"}})
    assert not valid.is_valid({"plan": {"items": {"other": {"a": [1]}}}, "run": {"shell": "x"}})
    assert JobSpec(id="a", plan=Items(items={"matrix": {"a": [1]}}), run={"shell": "x"}).plan.items == ({"a": 1},)
