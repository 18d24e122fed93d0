import pickle

import pytest

from airflow_mcp_provider.errors import Problem, SpecError
from airflow_mcp_provider.spec import Retries
from airflow_mcp_provider.spec.problems import combined


@pytest.mark.parametrize(
    ("problem", "text"),
    [
        (Problem("is wrong"), "is wrong"),
        (Problem("is wrong", "a.b"), "a.b: is wrong"),
        (Problem("is wrong", "a.b", "job.yaml"), "job.yaml: a.b: is wrong"),
        (Problem("is wrong", "a.b", "job.yaml", 3), "job.yaml:3: a.b: is wrong"),
        (Problem("is wrong", "", "job.yaml", 3), "job.yaml:3: is wrong"),
    ],
)
def test_a_problem_tells_as_much_of_its_place_as_is_known(problem, text):
    assert str(problem) == text


def test_problems_are_told_in_the_order_of_their_lines():
    error = combined([Problem("c", line=3), Problem("a", line=1), Problem("none"), Problem("b", line=1)])
    assert str(error) == "none\n1: a\n1: b\n3: c"


def test_an_error_travels_between_processes():
    with pytest.raises(SpecError) as raised:
        Retries(attempts=0)
    back = pickle.loads(pickle.dumps(raised.value))  # noqa: S301 - our own bytes
    assert str(back) == str(raised.value)
    assert back.problems == raised.value.problems
