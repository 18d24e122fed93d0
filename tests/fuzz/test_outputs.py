"""Whatever a command prints: its result is what it printed, whole, or an error; nothing else, and nothing silently."""

from pathlib import Path
from typing import Any

from airflow_mcp_provider.errors import McpError
from airflow_mcp_provider.runtime.size_limits import MAX_REPORT_BYTES
from airflow_mcp_provider.runtime.stdout import PlanLines, payloads
from tests.fuzz import plans, printed
from tests.fuzz.made import COUNT, cases
from tests.fuzz.runner import done
from tests.fuzz.wrong import Wrong

PRINTS = (
    {"command": ["cat", "{file}"]},
    {"shell": 'cat "$MCP_SUBTASK_FILE"'},
    {"shell": 'head -c 5 "$MCP_SUBTASK_FILE"; tail -c +6 "$MCP_SUBTASK_FILE"'},
    {"shell": 'cat "$MCP_SUBTASK_FILE"; echo 1 >&2'},
)
LIMIT_OF_PLAN = 2 * MAX_REPORT_BYTES
"""Beyond all that a plan may print."""
LEAVES_BEHIND = {"shell": 'sleep 30 & cat "$MCP_SUBTASK_FILE"'}
WRITES = {"shell": 'cat "$MCP_SUBTASK_FILE" > "$MCP_RESULT"; echo 1'}


def came_to(work: dict[str, Any], file: Path, limit: int) -> Any:
    """Return the work's result, or the error that tells of it."""
    try:
        return done(work, {"file": str(file)}, limit=limit)
    except McpError as error:
        return error


def planned(work: dict[str, Any], file: Path) -> Any:
    """Return the payloads of a plan, or the error that tells why there are none."""
    try:
        found = done(work, {"file": str(file)}, limit=LIMIT_OF_PLAN, printed=PlanLines)
        return payloads(found, enqueued=False)
    except McpError as error:
        return error


def test_a_result_is_what_was_printed_or_an_error(tmp_path: Path, wrong: Wrong) -> None:
    file = tmp_path / "printed"
    for case, random in cases("output"):
        data, work = printed.output(random), random.choice(PRINTS)
        work = LEAVES_BEHIND if random.random() < 0.004 else work
        limit = random.choice(printed.LIMITS)
        file.write_bytes(data)
        with wrong.of(case, (data[:40], len(data), data[-200:], work)):
            got = came_to(work, file, limit)
            assert printed.fits(data, limit, got), f"{got!r:.300}"
    wrong.none()


def test_a_result_file_is_what_was_written_or_an_error(tmp_path: Path, wrong: Wrong) -> None:
    file = tmp_path / "written"
    for case, random in cases("result file", COUNT // 2):
        data, limit = printed.output(random), random.choice(printed.LIMITS)
        file.write_bytes(data)
        with wrong.of(case, (data[:40], len(data), data[-200:])):
            got = came_to(WRITES, file, limit)
            assert printed.fits_file(data, limit, got), f"{got!r:.300}"
    wrong.none()


def test_payloads_are_what_a_plan_printed_or_an_error(tmp_path: Path, wrong: Wrong) -> None:
    file = tmp_path / "planned"
    for case, random in cases("plan", COUNT // 2):
        data = printed.lines(random)
        file.write_bytes(data)
        with wrong.of(case, (data[:40], len(data), data[-200:])):
            got = planned(PRINTS[0], file)
            assert plans.fits(data, got), f"{got!r:.300}"
    wrong.none()
