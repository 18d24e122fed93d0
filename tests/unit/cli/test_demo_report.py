import io

import pytest
from rich.console import Console

from airflow_mcp_provider.cli import demo_report

FOUND = {
    "totals": {"directories": 3, "files": 12345, "lines": 67, "bytes": 1_500_000, "links": 9},
    "languages": [{"language": "Python", "files": 12345, "lines": 67, "bytes": 1_500_000}],
    "largest": [{"path": f"big-{number}", "bytes": 999} for number in range(12)],
    "duplicates": [{"hash": "ab", "bytes": 10, "copies": 7, "paths": ["one", "two", "three", "four"]}],
    "problems": [{"path": "[red]odd[/]", "reason": "closed to us"}, "bare"],
}
RESULT = {"state": "partial", "subtasks": 5, "succeeded": 4, "failed": 1, "result": FOUND}
FAILURE = {"key": "src", "type": "OSError", "message": "gone"}


def printed(result):
    console = Console(file=io.StringIO(), width=120, color_system=None)
    for part in demo_report.report(result):
        console.print(part)
    return console.file.getvalue()


def test_the_report_shows_every_part():
    text = printed({**RESULT, "failures": [FAILURE]})
    for shown in (
        "Python",
        "12,345",
        "1.5 MB",
        "big-9",
        "first 10 of 12",
        "three",
        "closed to us",
        "bare",
        "OSError: gone",
    ):
        assert shown in text
    assert "big-10" not in text
    assert "partial: 4 of 5 subtasks succeeded; 3 directories, 12,345 files, 67 lines, 1.5 MB" in text


def test_a_file_name_is_text_and_not_markup():
    assert "[red]odd[/]" in printed(RESULT)


@pytest.mark.parametrize(
    "result", [{}, {"state": "failed"}, {"state": "failed", "result": None}, {"result": {"totals": {}}}]
)
def test_a_result_may_lack_any_part(result):
    assert f"{result.get('state', 'unknown')}: 0 of 0 subtasks succeeded" in printed(result)


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (2_340_000, "2.3 MB"), (5e15, "5000.0 TB")]
)
def test_sizes(count, text):
    assert demo_report.size(count) == text
