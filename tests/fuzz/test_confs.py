"""Whatever a run's conf holds: it reaches the work to the letter, or is refused; it is never syntax of anything."""

import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from airflow_mcp_provider.errors import McpError
from tests.fuzz import confs
from tests.fuzz.made import COUNT, cases
from tests.fuzz.runner import done
from tests.fuzz.same import same
from tests.fuzz.wrong import Wrong

SOME = COUNT // 3
"""Of four ways to the work, each a process a case."""


@pytest.fixture
def functions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A module of its own, whose functions name what they take."""
    (tmp_path / "fuzzed_work.py").write_text(confs.NAMED.format(first="url", second="n"))
    monkeypatch.syspath_prepend(str(tmp_path))
    return "fuzzed_work"


def test_functions_get_params_to_the_letter(functions: str, wrong: Wrong) -> None:
    for case, random in cases("function", SOME):
        params = confs.conf(random)
        subtask = {"url": params.get("url", "http://127.0.0.1:9/")}
        params["n"] = params.get("n")
        with wrong.of(case, params):
            assert done({"python": f"{functions}:by_position"}, {"item": 1}, params) == ascii(params)
            assert done({"python": f"{functions}:by_name"}, subtask, params) == ascii([subtask["url"], params["n"]])
            assert done({"python": f"{functions}:optional"}, {"item": 1}, params) is False
    wrong.none()


def filled(value: Any) -> str:
    """What stands in the place of ``{name}``: texts as they are, other values as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


@pytest.mark.parametrize("dashes", [["--"], []], ids=["after --", "alone"])
def test_commands_get_params_to_the_letter(dashes: list[str], tmp_path: Path, wrong: Wrong) -> None:
    """Where nothing says that options have ended, a text that would be one is refused."""
    out, carried = tmp_path / "argv", 0
    command = ["/bin/sh", "-c", f"printf '%s\\0' \"$@\" > '{out}'", "sh", *dashes]
    for case, random in cases("command", SOME):
        params = confs.conf(random, large=True)
        name = random.choice(list(params))
        with wrong.of(case, (name, params)):
            out.unlink(missing_ok=True)
            try:
                done({"command": [*command, f"{{{name}}}", f"a{{{name}}}{{{{b}}}}"]}, {}, params)
            except McpError:
                assert not out.exists()
                continue
            text = filled(params[name])
            assert dashes or not text.startswith("-") or not isinstance(params[name], str)
            expected = [*dashes, text, f"a{text}{{b}}", ""]
            assert out.read_bytes().split(b"\0") == [os.fsencode(one) for one in expected]
            carried += 1
    wrong.none()
    assert carried > SOME // 3


VARIABLES = "env -0 > '{out}'; for one in PARAMS SUBTASK; do eval cp '\"$MCP_'$one'_FILE\"' '{out}.'$one; done 2>&-; :"


def test_shells_get_params_to_the_letter(tmp_path: Path, wrong: Wrong) -> None:
    out, carried = tmp_path / "environment", 0
    for case, random in cases("shell", SOME):
        params, subtask = confs.conf(random, large=True), confs.conf(random)
        with wrong.of(case, (subtask, params)):
            for old in tmp_path.iterdir():
                old.unlink()
            try:
                done({"shell": VARIABLES.format(out=out)}, subtask, params)
            except McpError:
                assert not out.exists()
                continue
            environment = dict(line.split("=", 1) for line in os.fsdecode(out.read_bytes()).split("\0") if line)
            _check_whole(environment, out, "PARAMS", params)
            _check_whole(environment, out, "SUBTASK", subtask)
            _check_each(environment, "MCP_PARAM_", params)
            _check_each(environment, "MCP_SUBTASK_", subtask)
            carried += 1
    wrong.none()
    assert carried > SOME // 3


def _check_whole(environment: dict[str, str], out: Path, name: str, values: dict[str, Any]) -> None:
    """All values as JSON: in the variable, or where it is too large in the file beside it."""
    file = out.with_suffix(f".{name}")
    text = environment.get(f"MCP_{name}") or (file.read_text() if file.exists() else "none")
    assert same(values, json.loads(text))


def _check_each(environment: dict[str, str], prefix: str, values: dict[str, Any]) -> None:
    """A value of its own variable, or none: of two that would share one, neither."""
    shared = Counter(name.upper() for name in values)
    for name, value in values.items():
        variable = prefix + name.upper()
        if variable in environment and variable != "MCP_SUBTASK_FILE":
            assert shared[name.upper()] == 1, f"{variable} is {environment[variable]!r:.80}"
            assert environment[variable] == (value if isinstance(value, str) else json.dumps(value))
