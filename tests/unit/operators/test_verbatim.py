"""Nothing of a container's command, arguments and variables is syntax of Kubernetes."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from airflow_mcp_provider.factory.placement import of_container
from airflow_mcp_provider.operators.container.manifest import Runner, manifest, verbatim
from airflow_mcp_provider.runtime import sidecar as source
from airflow_mcp_provider.runtime.container import container_request
from airflow_mcp_provider.spec import Pod, Timeouts, parse_subtask

SECRETS = {"DB_PASSWORD": "hunter2", "A": "hunter3"}
RUNNER = Runner("r", "u", "jobs", "airflow:3", "Never", (), {}, {})
NASTY = [
    "$(DB_PASSWORD)",
    "$$(DB_PASSWORD)",
    "$$$(DB_PASSWORD)",
    "a$$b",
    "$",
    "$$",
    "$$$",
    "$(",
    "$()",
    "$(NONE)",
    "$é $x $",
    "$($(A))",
    "${A} `A` %A% {{A}}",
]


def expand(text: str) -> str:
    """As ``Expand`` of Kubernetes' third_party/forked/golang/expansion, byte by byte, with a container's variables."""
    given, made, at = text.encode(), bytearray(), 0
    while at < len(given):
        if given[at : at + 1] != b"$" or at + 1 == len(given):
            made += given[at : at + 1]
            at += 1
            continue
        read, at = read_name(given, at + 1)
        made += read
    return made.decode()


def read_name(given: bytes, at: int) -> tuple[bytes, int]:
    first = given[at : at + 1]
    if first == b"$":
        return b"$", at + 1
    if first != b"(":
        return b"$" + chr(given[at]).encode(), at + 1  # a byte becomes a rune
    end = given.find(b")", at)
    if end < 0:
        return b"$(", at + 1
    name = given[at + 1 : end].decode()
    return SECRETS.get(name, f"$({name})").encode(), end + 1


def test_the_expansion_is_kubernetes_own():
    """Its own cases, out of expansion_test.go."""
    for text, made in {
        "$(A)": "hunter3", "___$(A)___": "___hunter3___", "$$(A)": "$(A)", "$$$(A)": "$hunter3", "$$$$(A)": "$$(A)",
        "$(A)_$(A)": "hunter3_hunter3", "$(A)$$$$$(A)": "hunter3$$hunter3", "$(MISSING)": "$(MISSING)", "$A)": "$A)",
        "$(A": "$(A", "$": "$", "$$": "$", "foo$$var": "foo$var", "$(A)$": "hunter3$", "$$$": "$$", "\n$(A": "\n$(A",
    }.items():  # fmt: skip
        assert expand(text) == made


def seen(text: str, container: dict | None = None) -> dict:
    """Give the container's command, arguments and variables as its process has them."""
    work = parse_subtask({"container": container or {"image": "a", "command": ["{x}"], "args": ["-{x}-"]}})
    told = of_container(work, Pod.model_validate({"env": {"OWN": "$(A)"}}), None)["container"]
    asked = container_request(work.container, {"x": text}, {"MCP_SUBTASK": text}, Timeouts(), Path("/x/enqueue"))
    made = manifest(asked, told, 0, RUNNER, "name")["spec"]["containers"][0]
    env = {one["name"]: expand(one["value"]) for one in made["env"]}
    return {"command": [*map(expand, made["command"])], "args": [*map(expand, made["args"])], **env}


@pytest.mark.parametrize("text", NASTY)
def test_data_arrives_as_it_is(text):
    found = seen(text)
    assert (found["command"], found["args"], found["MCP_SUBTASK"]) == ([text], [f"-{text}-"], text)


def test_any_text_arrives_as_it_is():
    chance = random.Random(7)
    for _ in range(10_000):
        text = "".join(chance.choices("$()AB_é\n {", k=chance.randrange(12)))
        assert expand(verbatim(text)) == text


def test_the_specs_own_words_are_plain_as_with_docker():
    found = seen("", {"image": "a", "command": ["sh", "$(A)"], "args": ["$$"], "env": {"E": "$(DB_PASSWORD)"}})
    assert (found["command"], found["args"], found["E"]) == (["sh", "$(A)"], ["$$"], "$(DB_PASSWORD)")


def test_the_pods_own_variables_are_kubernetes_affair():
    assert seen("x")["OWN"] == "hunter3"


def test_a_name_that_kubernetes_refuses_is_left_out():
    work = parse_subtask({"container": {"image": "a"}})
    asked = container_request(
        work.container, {}, {"MCP_SUBTASK_GRÖSSE": "1", "MCP_SUBTASK_A": "2"}, Timeouts(), Path("/x/enqueue")
    )
    made = manifest(asked, of_container(work, None, None)["container"], 0, RUNNER, "name")["spec"]["containers"][0]
    assert [one["name"] for one in made["env"]] == ["MCP_SUBTASK_A", "MCP_ENQUEUE", "MCP_ENQUEUE_DIR", "MCP_RESULT"]


def test_what_runs_beside_the_work_is_not_expanded_either():
    work = parse_subtask({"container": {"image": "a"}})
    told = of_container(work, None, None)["container"]
    asked = container_request(work.container, {}, {}, Timeouts(), Path("/x/enqueue"))
    [sidecar] = manifest(asked, told, 0, RUNNER, "name")["spec"]["initContainers"]

    assert expand(sidecar["command"][-2]) == Path(source.__file__).read_text()
