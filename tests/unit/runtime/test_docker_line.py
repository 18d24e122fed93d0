"""What a Docker engine's command line is told: nothing of payload, params or paths is an option or syntax in it."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from airflow_mcp_provider.errors import InvalidPayload, SubtaskError
from airflow_mcp_provider.runtime.container import container_request
from airflow_mcp_provider.runtime.docker import Docker, Limits
from airflow_mcp_provider.runtime.environment import texts, write
from airflow_mcp_provider.spec import Timeouts, parse_subtask


def asked(container, environment=None, **values):
    work = parse_subtask({"container": container})
    return container_request(work.container, values, environment or {}, Timeouts(), Path("/x/enqueue"))


def line(container, shared, environment=None, **values):
    engine = Docker("docker", "place", {"mcp/subtask": "--privileged=\nx"}, Limits())
    return engine._argv(asked(container, environment, **values), shared)


@pytest.mark.parametrize("image", ["-v/:/host", "--privileged", "", " a", "a b", "a\n", "a\0", "é", "--", "a" * 2000])
def test_what_is_no_image_is_no_option(image):
    with pytest.raises(SubtaskError) as raised:
        asked({"image": "{image}"}, image=image)
    assert raised.value.kinds == ("ImageNotPulled",)
    assert "expected for example" in str(raised.value)


@pytest.mark.parametrize(
    "image", ["a", "alpine:3.21", "h:5000/a/b@sha256:0af", "[::1]:5000/a", "sha256:0af", "a/b__c-d.e:V_1"]
)
def test_names_of_images_are_taken(image):
    assert asked({"image": "{image}"}, image=image).image == image


def test_an_empty_program_is_not_the_first_argument():
    with pytest.raises(SubtaskError, match="is empty") as raised:
        asked({"image": "a", "command": ["{x}", "rm"]}, x="")
    assert raised.value.kinds == ("CommandNotStarted",)


def test_image_and_arguments_stand_behind_the_options(tmp_path):
    argv, _ = line({"image": "a", "command": ["--help", "-y"], "args": ["--privileged"]}, tmp_path / "mcp", x="--help")
    assert argv[argv.index("--") :] == ["--", "a", "-y", "--privileged"]
    assert "--entrypoint=--help" in argv
    assert "--label=mcp/subtask=--privileged=\nx" in argv
    assert all(one.startswith("--") for one in argv[2 : argv.index("--")])


@pytest.mark.parametrize("name", ["a:b", "a,b", 'a"b', "a,readonly,b", "a b", "a\nb"])
def test_a_folder_of_any_name_is_mounted(tmp_path, name):
    shared = tmp_path / name / "mcp"
    shared.parent.mkdir()
    argv, _ = line({"image": "a"}, shared)
    [mount] = [one.removeprefix("--mount=") for one in argv if one.startswith("--mount=")]
    [fields] = csv.reader([mount])
    assert fields == ["type=bind", f"source={shared}", "target=/mcp"]


@pytest.mark.parametrize("value", ["a\nB=1", "a\r", "x" * 70_000, "a\u2028b"])
def test_what_is_no_line_of_a_file_goes_another_way(tmp_path, value):
    argv, environment = line({"image": "a"}, tmp_path / "mcp", {"MCP_SUBTASK": value, "MCP_X": "# $(X) = 'y'"})
    assert environment["MCP_SUBTASK"] == value
    assert "--env=MCP_SUBTASK" in argv
    lines = (tmp_path / "environment").read_text().splitlines()
    assert lines == [
        "MCP_X=# $(X) = 'y'",
        "MCP_ENQUEUE=/mcp/enqueue",
        "MCP_ENQUEUE_DIR=/mcp/enqueue.d",
        "MCP_RESULT=/mcp/result",
    ]


def test_an_argument_that_no_program_may_have_is_refused():
    with pytest.raises(InvalidPayload, match=r"argument '\{x\}' too large; expected at most 128 KiB"):
        asked({"image": "a", "args": ["{x}"]}, x="x" * 140_000)


def test_values_of_any_size_are_files_in_the_folder(tmp_path):
    files = texts({"a": 1}, {"big": "x" * 3_000_000})
    assert write(files, tmp_path, "/mcp") == {
        "MCP_PAYLOAD_FILE": "/mcp/payload.json",
        "MCP_PARAMS_FILE": "/mcp/params.json",
    }
    assert json.loads((tmp_path / "params.json").read_text()) == {"big": "x" * 3_000_000}
    assert (tmp_path / "payload.json").stat().st_mode & 0o777 == 0o644
