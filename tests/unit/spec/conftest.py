import pytest

from airflow_mcp_provider.errors import SpecError
from airflow_mcp_provider.spec import JobSpec, parse_job

GOOD = """\
plan: {items: [1]}
run: {shell: "true"}
"""


@pytest.fixture
def refused():
    """Give what a text is refused for, one line each."""

    def refuse(text: str, name: str = "job") -> list[str]:
        with pytest.raises(SpecError) as raised:
            parse_job(text, id=name, source="job.yaml")
        assert len(raised.value.problems) >= 1
        return str(raised.value).split("\n")

    return refuse


@pytest.fixture
def parsed():
    """Read a good spec with more text at its end."""

    def parse(more: str = "") -> JobSpec:
        return parse_job(GOOD + more, id="job", source="job.yaml")

    return parse
