import pytest

from airflow_mcp_provider.errors import SpecError
from airflow_mcp_provider.spec import CommandWork, Items, PythonWork, ShellWork, parse_plan, parse_work


@pytest.mark.parametrize(
    "work",
    [
        PythonWork(python="a.b:c"),
        CommandWork(command=["sleep", 1]),
        ShellWork(shell="true"),  # noqa: S604 - a value, no call of a shell
        Items(items=[1, {"a": [2]}]),
    ],
)
@pytest.mark.parametrize("mode", ["json", "python"])
def test_what_is_dumped_comes_back(work, mode):
    dumped = work.model_dump(mode=mode)
    assert parse_plan(dumped) == work
    if not isinstance(work, Items):
        assert parse_work(dumped) == work


def test_refuses_what_is_no_work():
    with pytest.raises(SpecError) as raised:
        parse_work({"items": [1]})
    assert str(raised.value) == "invalid keys of the work: items; expected exactly one of python, command, shell"
    with pytest.raises(SpecError, match="work: none; expected exactly one of python, command, shell, container, items"):
        parse_plan({})
    with pytest.raises(SpecError, match="python: invalid function"):
        parse_work({"python": "no function"})
