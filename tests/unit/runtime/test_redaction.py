"""Against Airflow's own maskers, as they are in a process that has loaded Airflow."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys

import pytest
from airflow._shared.secrets_masker import _secrets_masker as of_servers
from airflow.sdk._shared.secrets_masker import _secrets_masker as of_sdk

from airflow_mcp_provider.errors import InvalidPayload, SubtaskError
from airflow_mcp_provider.plugin.db import state_store
from airflow_mcp_provider.runtime import command, redaction, size_limits, store_keys
from airflow_mcp_provider.runtime.command import failure_message
from airflow_mcp_provider.runtime.function import describe
from airflow_mcp_provider.runtime.payload import child_of, json_text
from airflow_mcp_provider.runtime.pod_reasons import refused

SECRET = 'swordfish"\\\n\u00fc/77'


@pytest.fixture(autouse=True)
def masker():
    """The masker that a task's process has; what a test tells it is forgotten."""
    kept = [(one, set(one.patterns), one.replacer) for one in (of_sdk(), of_servers())]
    yield of_sdk()
    for one, patterns, replacer in kept:
        one.patterns, one.replacer = patterns, replacer


@pytest.mark.parametrize("which", [of_sdk, of_servers])
def test_what_either_masker_knows_is_masked(which):
    which().add_mask("hunter22222")
    assert redaction.text("password=hunter22222, again hunter22222") == "password=***, again ***"


@pytest.mark.parametrize(
    "spelled",
    [
        SECRET,
        json.dumps({"x": SECRET}),
        json.dumps(SECRET, ensure_ascii=False),
        repr(SECRET),
        f"KeyError: {SECRET!r}",
    ],
)
def test_a_secret_is_masked_however_it_is_spelled(masker, spelled):
    masker.add_mask(SECRET)
    told = redaction.text(spelled)
    assert "swordfish" not in told
    assert "77" not in told


def test_a_secret_in_a_url_is_masked(masker):
    masker.add_mask("p@ss/word 1")
    assert redaction.text("pg://me:p%40ss%2Fword%201@host and p%40ss/word%201 and p%40ss%2Fword+1") == (
        "pg://me:***@host and *** and ***"
    )


def test_one_secret_that_another_begins_with(masker):
    for secret in ("hunter", "hunter22", "hunter22-admin", "a|b|c|d", "back\\slash\\|bar"):
        masker.add_mask(secret)
    assert redaction.text("hunter22-admin hunter22 hunter a|b|c|d back\\slash\\|bar") == "*** *** *** *** ***"


def test_a_token_is_masked_whoever_has_it():
    token = "eyJhbGciOiJIUzUxMiJ9.eyJzdWIiOiIwMTk5In0.0pKsU_f-2K3mB8o"
    assert redaction.text(f"401 for Bearer {token}.") == "401 for Bearer ***."


def test_short_values_are_none_of_airflows_secrets(masker):
    masker.add_mask("abcd")
    assert redaction.text("abcd") == "abcd"


def test_json_stays_json(masker):
    masker.add_mask(SECRET)
    value = {"a": [SECRET, 1, None, True], SECRET: {"b": f"x{SECRET}y"}, "\\": '"'}
    clean = redaction.value(value)
    assert clean["a"] == ["***", 1, None, True]
    assert sorted(map(len, clean)) == [1, 1, len("*** #") + 12]
    assert "swordfish" not in json.dumps(clean)
    assert clean["\\"] == '"'


def test_what_holds_no_secret_is_the_same_object(masker):
    masker.add_mask("hunter22222")
    value = {"a": ["b" * 1_000_000]}
    assert redaction.value(value) is value


def test_deep_json(masker):
    masker.add_mask("hunter22222")
    value = text = "[" * 400 + '"hunter22222"' + "]" * 400
    value = json.loads(text)
    assert json.dumps(redaction.value(value)) == text.replace("hunter22222", "***")


def test_two_keys_stay_two(masker):
    masker.add_mask("hunter22222")
    masker.add_mask("hunter33333")
    first, second, plain = (redaction.key(f"user:{one}") for one in ("hunter22222", "hunter33333", "me"))
    assert plain == "user:me"
    assert first != second
    assert re.fullmatch(r"user:\*\*\* #[0-9a-f]{12}", first)
    assert redaction.key(first) == first
    assert len(redaction.key("hunter22222" + "k" * (size_limits.MAX_KEY_CHARS - 11))) <= size_limits.MAX_KEY_CHARS


def _raise(message: str) -> dict[str, str]:
    with pytest.raises(ValueError, match=r"y+") as raised:
        raise ValueError(message)
    return describe(raised.value)


@pytest.mark.parametrize(
    "shift", [*range(0, 90, 3), *range(160, 210, 3), *range(460, 510, 3), *range(1_960, 2_010, 3), 3_990]
)
def test_no_cut_leaves_a_part_of_a_secret(masker, shift):
    secret = "hunter" + "2" * 30
    masker.add_mask(secret)
    long = "x" * shift + secret + "y" * 5_000
    told = [
        _raise(long)["message"][:2000],
        _raise(long)["trace"],
        failure_message(1, long),
        refused(long).message,
        redaction.shown({"a": long}),
    ]
    assert not [one for one in told if "hunter" in one or "22222" in one]


@pytest.mark.parametrize(
    "call",
    [
        lambda secret: child_of([secret], None, None),
        lambda secret: child_of({"x": {secret}}, None, None),
        lambda secret: child_of({"x": 1}, None, "y" + secret),
        lambda secret: child_of({"x": {"y": secret}}, None, "x"),
        lambda secret: json_text({secret}, "result", 100),
    ],
)
def test_an_error_about_a_value_shows_no_secret_of_it(masker, call):
    secret = "hunter" + "2" * 90
    masker.add_mask(secret)
    with pytest.raises(InvalidPayload) as raised:
        call(secret)
    assert "22222" not in describe(raised.value)["message"]


def test_an_error_of_the_work_is_told_without_secrets(masker):
    masker.add_mask("hunter22222")
    told = describe(SubtaskError("no: hunter22222", kinds=("ValueError",), trace="at hunter22222"))
    assert (told["message"], told["trace"]) == ("no: ***", "at ***")


def test_without_airflow_nothing_is_known_and_nothing_fails():
    code = (
        "import sys; from airflow_mcp_provider.runtime import redaction as r; "
        "print(r.text('hunter2'), r.value({'a': 1}), [n for n in sys.modules if n.startswith('airflow.')])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.strip() == "hunter2 {'a': 1} []"


def test_what_a_command_prints_has_no_secrets_when_it_is_passed_on(masker, capfd, tmp_path):
    masker.add_mask("hunter22222")
    script = "echo out hunter22222; echo err hunter22222 >&2; echo '\"hunter22222\"'"
    running = command.start(["/bin/sh", "-c", script], {"PATH": "/bin:/usr/bin"}, tmp_path / "result")
    _, code = os.waitpid(running.pid, 0)
    assert running.read(code) == "hunter22222", "what it is, for a plan's payloads; the operators redact results"
    told = capfd.readouterr()
    assert (told.out, told.err) == ('out ***\n"***"\n', "err ***\n")


def test_rows_that_tell_people_something_are_redacted_and_payloads_are_not(masker):
    masker.add_mask("hunter22222")
    item = {"payload": {"x": "hunter22222"}, "results": {"first": "hunter22222"}}
    assert json.loads(state_store._text(store_keys.ITEM, item)) == {
        "payload": {"x": "hunter22222"},
        "results": {"first": "***"},
    }
    for key in (store_keys.OUTCOME, store_keys.PROGRESS, store_keys.POD):
        assert state_store._text(key, {"message": "x hunter22222"}) == '{"message": "x ***"}'
