from __future__ import annotations

import json

import psutil
import pytest

from airflow_mcp_provider.errors import HardTimeout, InvalidPayload, SoftTimeout, SpecError, SubtaskError
from airflow_mcp_provider.runtime import command
from tests.sizes import patient


def sh(text):
    return {"shell": text}


@pytest.fixture
def short_grace(monkeypatch):
    """An ended command whose output another process holds open is not waited for for seconds."""
    monkeypatch.setattr(command, "_GRACE_S", 0.1)


def test_the_result_is_the_last_line_that_is_json(do):
    assert do(sh("echo hello; echo '{\"n\": 1}'")) == {"n": 1}
    assert do(sh("echo hello")) is None
    assert do(sh("true")) is None


def test_or_the_result_file(do):
    assert do(sh('echo \'["file"]\' > "$MCP_RESULT"; echo 5')) == ["file"]
    with pytest.raises(SubtaskError, match=r"invalid JSON in \$MCP_RESULT"):
        do(sh('echo "{" > "$MCP_RESULT"'))


def test_argv_takes_values_literally(do):
    argv = ["printf", '"%s"', "{name}-{n}-{{x}}"]
    assert do({"command": argv}, {"name": "a; $(touch b)", "n": 1}) == "a; $(touch b)-1-{x}"
    with pytest.raises(SpecError, match=r"unknown placeholder \{name\}"):
        do({"command": argv})


def test_shell_finds_values_in_its_environment(do):
    text = 'echo "[\\"$MCP_SUBTASK_PATH\\", $MCP_PARAM_DEEP, $MCP_SUBTASK]"'
    assert do(sh(text), {"path": "a b"}, {"deep": True}) == ["a b", True, {"path": "a b"}]


def test_output_is_passed_on_as_it_comes(do, capsys):
    do(sh("echo out; echo err >&2; printf 'no newline'"))
    said = capsys.readouterr()
    assert said.out == "out\nno newline\n"
    assert said.err == "err\n"


@pytest.mark.parametrize(
    ("work", "message"),
    [
        (sh("echo almost; exit 7"), "ended with exit code 7; last line of output: almost"),
        (sh("kill -9 $$"), "killed by SIGKILL"),
        ({"command": ["no-such-program"]}, "'no-such-program' cannot be started: .*No such file"),
    ],
)
def test_a_failure_is_told(do, work, message):
    with pytest.raises(SubtaskError, match=message):
        do(work)


def test_lines_written_to_the_pipe_are_subtasks(do, ledger):
    do(sh("""for i in 1 2 3; do echo "{\\"path\\": \\"f$i\\"}" > "$MCP_ENQUEUE"; done
             printf '{"payload": {"path": "x"}, "key": "named"}' >> "$MCP_ENQUEUE" """), key_field="path")  # fmt: skip
    assert ledger.children == {"f1": {"path": "f1"}, "f2": {"path": "f2"}, "f3": {"path": "f3"}, "named": {"path": "x"}}


def test_a_line_may_be_a_run_of_another_job(do, ledger):
    do(sh("""echo '{"payload": {"n": 1}, "job": "b"}' > "$MCP_ENQUEUE"
             echo '{"job": "b", "payload": {"n": 1}, "key": "one"}' > "$MCP_ENQUEUE"
             echo '{"job": "b", "n": 1}' > "$MCP_ENQUEUE" """), key_field="n")  # fmt: skip
    assert ledger.jobs == {'b {"n":1}': "b", "one": "b"}
    assert ledger.children == {'b {"n":1}': {"n": 1}, "one": {"n": 1}, "1": {"job": "b", "n": 1}}


def test_a_thousand_lines_at_once(do, ledger):
    do(sh('seq 1000 | sed \'s/.*/{"n": "&"}/\' > "$MCP_ENQUEUE"'), key_field="n")
    assert list(ledger.children) == [f'"{n}"' for n in range(1, 1001)]


def test_children_arrive_while_the_command_runs(do, ledger, tmp_path):
    seen = tmp_path / "seen"

    class Watching(type(ledger)):
        def enqueue(self, children):
            seen.write_text("yes")
            return super().enqueue(children)

    ledger.__class__ = Watching
    wait = f"for i in $(seq {patient(600):.0f}); do [ -e {seen} ] && exit 0; sleep 0.1; done; exit 1"
    do(sh(f'echo \'{{"a": 1}}\' > "$MCP_ENQUEUE"; {wait}'))


def test_a_bad_line_fails_the_subtask(do):
    with pytest.raises(InvalidPayload, match=r"invalid line .* in \$MCP_ENQUEUE; expected one JSON object"):
        do(sh('echo "{oops" > "$MCP_ENQUEUE"'))


def test_soft_asks_the_whole_command_to_end(do, tmp_path):
    mark, begun = tmp_path / "mark", tmp_path / "begun"
    work = sh(f"trap 'echo clean > {mark}; exit 0' TERM; touch {begun}; sleep 600 & wait")
    with pytest.raises(SoftTimeout, match="received SIGTERM and ended"):
        do(work, soft="300ms", hard=f"{patient(60):g}s", begun=begun)
    assert mark.read_text() == "clean\n"


@pytest.mark.timeout(60)  # the command would last for five minutes
def test_hard_kills_all_of_it(do, tmp_path):
    mark, begun = tmp_path / "mark", tmp_path / "begun"
    work = sh(f"trap '' TERM INT; setsid sleep 300 & echo $! > {mark}; touch {begun}; sleep 300")
    with pytest.raises(HardTimeout):
        do(work, soft="200ms", hard="800ms", begun=begun)
    assert not psutil.pid_exists(int(mark.read_text()))


@pytest.mark.timeout(60)  # the process would last for five minutes
def test_a_background_process_does_not_hold_the_command_up(do, short_grace):
    assert do(sh("sleep 300 & echo 1")) == 1


def test_long_lines_and_odd_bytes(do, capsys):
    assert do(sh("head -c 200000 /dev/zero | tr '\\0' x; echo; printf '\\377\\n'; echo 1")) == 1
    said = capsys.readouterr().out
    assert said.count("x") == 200_000
    assert "\ufffd" in said


def test_params_too_big_for_an_environment_are_in_files_and_told(do, capsys):
    params = {f"p{i}": "x" * (100_000 + i) for i in range(40)}
    text = 'wc -c < "$MCP_PARAMS_FILE"; echo "[${#MCP_PARAMS}, ${#MCP_PARAM_P0}, ${#MCP_PARAM_P39}]"'
    assert do(sh(text), params=params) == [0, 100_000, 0]
    said = capsys.readouterr().out
    assert str(len(json.dumps(params))) in said
    assert "too large: MCP_PARAMS, MCP_PARAM_P39, MCP_PARAM_P38, " in said


def test_arguments_too_large_for_any_program_are_refused(do):
    with pytest.raises(
        InvalidPayload, match="'true' cannot be started: its arguments and environment exceed the limit"
    ):
        do({"command": ["true", *["{big}"] * 100]}, {"big": "x" * 100_000})


def test_environment_leaves_out_what_it_cannot_hold(do):
    payload = {"a": "x\0y", "b": [1], "c": None, "d e": 1}
    assert do(sh('echo "[\\"${MCP_SUBTASK_A-none}\\", \\"${MCP_SUBTASK_B-none}\\", $MCP_SUBTASK_C]"'), payload) == [
        "none",
        "none",
        None,
    ]
    assert json.loads(json.dumps(payload)) == payload


def test_a_result_is_what_was_printed_whole(do):
    assert do(sh("head -c 65536 /dev/zero | tr '\\0' x; echo 42")) is None
    assert do(sh("printf '\"'; head -c 60000 /dev/zero | tr '\\0' x; printf '\"'")) == "x" * 60_000
    with pytest.raises(InvalidPayload, match="110002 bytes; expected at most 65535"):
        do(sh("printf '\"'; head -c 110000 /dev/zero | tr '\\0' x; echo '\"'"))
    with pytest.raises(SubtaskError, match="too long for a result"):
        do(sh("head -c 3000000 /dev/zero | tr '\\0' 1"))


def test_a_line_without_an_end_counts_while_another_process_holds_the_output(do, short_grace):
    assert do(sh("sleep 300 & printf '{\"rows\": 7}'")) == {"rows": 7}


LINE = '{\\"n\\": 1}'


@pytest.mark.parametrize(
    "replace",
    [
        f'echo "{LINE}" > line; mv line "$MCP_ENQUEUE"',
        'rm "$MCP_ENQUEUE"',
        f'rm "$MCP_ENQUEUE"; echo "{LINE}" > "$MCP_ENQUEUE"',
        f'echo "{LINE}" > line; ln -sf "$PWD/line" "$MCP_ENQUEUE"',
        f'echo "{LINE}" > line; cp --remove-destination line "$MCP_ENQUEUE"',
        'rm -r "$MCP_ENQUEUE_DIR"',
    ],
)
def test_a_replaced_pipe_is_an_error(do, replace, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InvalidPayload, match="MCP_ENQUEUE"):
        do(sh(replace))


def test_files_in_the_directory_are_subtasks(do, ledger):
    do(sh("""for i in $(seq 20); do
               (head -c 20000 /dev/zero | tr '\\0' x | sed "s/.*/{\\"n\\": $i, \\"text\\": \\"&\\"}/" > "$MCP_ENQUEUE_DIR/$i") &
             done
             wait
             printf '{"n": 21}\\n{"payload": {"n": 22}, "key": "last"}' > "$MCP_ENQUEUE_DIR/more" """), key_field="n")  # fmt: skip
    assert set(ledger.children) == {*map(str, range(1, 22)), "last"}
    assert {len(one["text"]) for key, one in ledger.children.items() if key not in {"21", "last"}} == {20_000}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        ('echo oops > "$MCP_ENQUEUE_DIR/a"', "one JSON object"),
        ('mkdir "$MCP_ENQUEUE_DIR/a"', "'a' in .* is not a regular file"),
        ('mkfifo "$MCP_ENQUEUE_DIR/a"', "'a' in .* is not a regular file"),
        ('ln -s /etc/passwd "$MCP_ENQUEUE_DIR/a"', "'a' in .* cannot be read: .*; expected a regular file"),
    ],
)
def test_what_is_no_file_of_lines_there_is_an_error(do, make, message):
    with pytest.raises(InvalidPayload, match=message):
        do(sh(make))


def test_a_background_process_has_written_all_before_the_end_counts(do, ledger, tmp_path, short_grace):
    wrote = tmp_path / "wrote"
    behind = f'(exec 3> "$MCP_ENQUEUE"; echo "{{\\"n\\": 1}}" >&3; touch {wrote}; sleep 300)'
    do(sh(f"{behind} & while [ ! -e {wrote} ]; do sleep 0.05; done"), key_field="n")
    assert list(ledger.children) == ["1"]


@pytest.mark.parametrize("more", [{"A": 2}, {"A": [1]}, {"A": "\0"}])
def test_values_whose_names_differ_in_case_alone_have_no_variable(do, capsys, more):
    text = 'printf "[\\"%s\\", \\"%s\\", \\"%s\\"]" "$MCP_SUBTASK_A" "$MCP_SUBTASK_B" "$MCP_PARAM_A"'
    assert do(sh(text), {"a": 1, "b": 3, **more}, {"a": 4}) == ["", "3", "4"]
    told = "environment variables not set, because names differ only in case: MCP_SUBTASK_A\n"
    assert capsys.readouterr().out.startswith(told)


def test_values_too_large_for_a_variable_are_in_files(do, capsys):
    text = 'test -z "$MCP_PARAMS$MCP_PARAM_BIG" && wc -c < "$MCP_PARAMS_FILE" && test -s "$MCP_PAYLOAD_FILE"'
    assert do(sh(text), {"a": 1}, {"big": "x" * 140_000}) == 140_011
    assert "not set, because they are too large: MCP_PARAMS, MCP_PARAM_BIG" in capsys.readouterr().out


def test_an_argument_that_is_too_large_is_refused(do):
    with pytest.raises(InvalidPayload, match=r"argument '\{big\}' too large; expected at most 128 KiB"):
        do({"command": ["true", "{big}"]}, {}, {"big": "x" * 140_000})


@pytest.mark.parametrize(
    ("make", "message"),
    [
        ('mkfifo "$MCP_RESULT"', "is not a regular file"),
        ('mkdir "$MCP_RESULT"', "is not a regular file"),
        ('ln -s /nowhere "$MCP_RESULT"', "cannot be read: No such file"),
        ('head -c 2000000 /dev/zero > "$MCP_RESULT"', "is too large; expected at most 1100000 bytes"),
    ],
)
def test_a_result_that_is_no_file_is_an_error(do, make, message):
    with pytest.raises(InvalidPayload, match=rf"\$MCP_RESULT {message}"):
        do(sh(make))


@pytest.mark.parametrize(
    "leave",
    [
        'split -l 1 found "$MCP_ENQUEUE_DIR"',
        'split -l 1 found "$MCP_ENQUEUE"',
        'cp found "$MCP_ENQUEUE.tmp"',
    ],
)
def test_files_beside_the_pipe_are_an_error(do, leave, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "found").write_text('{"a": 1}\n{"a": 2}\n')
    with pytest.raises(InvalidPayload, match=r"next to \$MCP_ENQUEUE, which is not read"):
        do(sh(leave))


def test_python_s_own_json_is_no_result(do):
    with pytest.raises(SubtaskError, match="NaN or Infinity"):
        do(sh("echo '{\"mean\": NaN}'"))
    assert do(sh("echo NaN")) is None
    assert do(sh("echo '[INFO] done'")) is None
