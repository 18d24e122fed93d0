from __future__ import annotations

from pathlib import Path

import pytest

from airflow_mcp_provider.errors import InvalidPayload
from airflow_mcp_provider.runtime.argv import filled
from airflow_mcp_provider.runtime.container import container_request
from airflow_mcp_provider.spec import Timeouts, parse_subtask

VALUES = {"path": "-version", "empty": "", "word": "x", "below": -5, "real": -0.5, "dashes": "--", "all": ["-x"]}


@pytest.mark.parametrize(
    ("part", "told"),
    [
        ("{path}", "path is '-version'"),
        ("{dashes}", "dashes is '--'"),
        ("{path}.txt", "path is '-version'"),
        ("{empty}{path}", "empty is '', path is '-version'"),
        ("{empty}-x", "empty is ''"),
        ("{below}{word}", "below is -5, word is 'x'"),
    ],
)
def test_a_value_is_no_option(part: str, told: str) -> None:
    with pytest.raises(InvalidPayload, match=r"would start with '-'") as raised:
        filled(["find", "-x", part], VALUES)
    assert f"argument {part!r}" in str(raised.value)
    assert told in str(raised.value)


@pytest.mark.parametrize(
    ("part", "text"),
    [
        ("--name={path}", "--name=-version"),
        ("./{path}", "./-version"),
        ("-{word}", "-x"),
        ("{{{path}", "{-version"),
        ("{word}{path}", "x-version"),
        ("{below}", "-5"),
        ("{real}px", "-0.5px"),
        ("{all}", '["-x"]'),
        ("-x", "-x"),
    ],
)
def test_what_begins_with_the_specs_own_text_or_is_a_number_passes(part: str, text: str) -> None:
    assert filled(["find", part], VALUES) == ["find", text]


def test_after_two_dashes_of_the_spec_any_value_passes() -> None:
    assert filled(["rm", "--", "{path}", "{dashes}"], VALUES) == ["rm", "--", "-version", "--"]
    with pytest.raises(InvalidPayload):
        filled(["rm", "{path}", "--"], VALUES)


def arguments(values: dict[str, str], **container: list[str]) -> list[str]:
    work = parse_subtask({"container": {"image": "tool", **container}})
    asked = container_request(work.container, values, {}, Timeouts(), Path("/x/enqueue"))
    return [*(asked.command or ()), *(asked.args or ())]


def test_a_containers_command_and_args_are_the_arguments_of_one_program() -> None:
    assert arguments({"x": "-x"}, command=["a", "--"], args=["{x}"]) == ["a", "--", "-x"]
    for container in ({"command": ["a", "{x}"]}, {"args": ["{x}"]}, {"command": ["a"], "args": ["{x}", "--"]}):
        with pytest.raises(InvalidPayload):
            arguments({"x": "-x"}, **container)


@pytest.mark.parametrize("work", [{"command": ["printf", "{x}"]}, {"command": ["{x}"]}])
def test_a_command_is_not_started_with_it(do, work: dict[str, list[str]]) -> None:
    with pytest.raises(InvalidPayload):
        do(work, {}, {"x": "-v"})
    with pytest.raises(InvalidPayload):
        do(work, {"x": "-v"})


def test_a_shell_takes_any_value(do) -> None:
    assert do({"shell": 'printf "%s" "$MCP_SUBTASK_X" | wc -c'}, {"x": "-v"}) == 2
