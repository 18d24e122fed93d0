"""Any spec that is valid is checked for its meaning and explained, in lines that a terminal can show."""

from __future__ import annotations

from airflow_mcp_provider.cli import explain_text, job_links, static_checks
from airflow_mcp_provider.cli.explained import explained
from airflow_mcp_provider.cli.named_code import named_code
from airflow_mcp_provider.cli.resolved import resolved
from airflow_mcp_provider.errors import SpecError
from airflow_mcp_provider.spec import JobSpec, parse_job
from airflow_mcp_provider.spec.defaults import Sources, layer
from tests.fuzz import specs
from tests.fuzz.made import COUNT, cases
from tests.fuzz.wrong import Wrong


def test_a_valid_spec_is_explained(wrong: Wrong) -> None:
    valid = 0
    for case, random in cases("explained", COUNT):
        text = specs.text(random)
        with wrong.of(case, text):
            try:
                valid += _explain(parse_job(text, id="a"), text)
            except SpecError:
                continue
    wrong.none()
    assert valid > COUNT / 20


def _explain(spec: JobSpec, text: str) -> int:
    problems = [*static_checks.problems_of(spec, {"a": spec}), *job_links.unknown(spec, ())]
    assert all(problem.path and problem.message for problem in problems)
    assert all(code.path for code in named_code(spec))
    values = resolved(spec, Sources((layer(text, "a.yaml"),)))
    assert all(value.origin.startswith(("a.yaml:", "default")) for value in values)
    assert all(line.isprintable() for line in explain_text.lines(explained(spec, "a.yaml"), values))
    return 1
