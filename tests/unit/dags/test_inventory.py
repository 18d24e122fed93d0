import json
import os
import tracemalloc
from collections import Counter
from pathlib import Path
from urllib.parse import unquote_to_bytes

import pytest
from inventory import plan, summary
from inventory.walk import payload

from airflow_mcp_provider.runtime import Error, Outcome
from airflow_mcp_provider.runtime.payload import Child
from tests.unit.dags import hostile

SMALL = {"directories_per_subtask": 3, "files_per_subtask": 5}


@pytest.fixture
def params(local_run, tree):
    return local_run("inventory", path=str(tree)).params


def files_of(run):
    """Every file that the subtasks tell of, as often as they do."""
    return [
        f"{row['path']}/{file[0]}".removeprefix("./")
        for outcome in run.outcomes
        for row in outcome.result["directories"]
        for file in row["files"]
    ]


@pytest.mark.parametrize("conf", [{}, SMALL], ids=["defaults", "small subtasks"])
def test_a_hostile_tree_is_counted_as_the_systems_own_tools_count_it(local_run, tree, conf):
    hostile.build(tree)
    run = local_run("inventory", path=str(tree), largest=100, **conf)
    report = run.run()

    files = hostile.found(tree, "-type", "f")
    sizes = {path: hostile.size(tree, path) for path in files}
    assert report["totals"] == {
        "directories": len(hostile.found(tree, "-type", "d")),
        "files": len(files),
        "lines": sum(hostile.lines(tree, path) or 0 for path in files),
        "bytes": sum(sizes.values()),
        "empty": len(hostile.found(tree, "-type", "f", "-size", "0")),
        "hard_links": len(hostile.found(tree, "-type", "f", "-links", "+1")),
        "links": len(hostile.found(tree, "-type", "l")),
        "broken_links": len(hostile.found(tree, "-xtype", "l")) + len(["links/itself"]),
        "special": len(hostile.found(tree, "-type", "p")) + len(hostile.found(tree, "-type", "s")),
        "excluded": 0,
    }
    assert {unquote_to_bytes(file["path"]): file["bytes"] for file in report["largest"]} == sizes
    assert [file["bytes"] for file in report["largest"]] == sorted(sizes.values(), reverse=True)
    assert report["problems"] == []
    assert all(outcome.status == "success" for outcome in run.outcomes)
    assert len(files_of(run)) == len(set(files_of(run))) == len(files)


def test_duplicates_are_those_of_sha256sum(local_run, tree):
    hostile.build(tree)
    report = local_run("inventory", path=str(tree)).run()

    expected = hostile.duplicates(tree)
    assert {group["hash"] for group in report["duplicates"]} == set(expected)
    for group in report["duplicates"]:
        paths = {unquote_to_bytes(path) for path in group["paths"]}
        assert paths <= expected[group["hash"]]
        assert group["copies"] == len(expected[group["hash"]])
        assert len(paths) == min(group["copies"], 10)
        assert group["wasted"] == (group["copies"] - 1) * group["bytes"]
    wasted = [group["wasted"] for group in report["duplicates"]]
    assert wasted == sorted(wasted, reverse=True)


def test_languages_sum_up_to_the_totals(local_run, tree):
    hostile.build(tree)
    report = local_run("inventory", path=str(tree)).run()

    languages = {one.pop("language"): one for one in report["languages"]}
    for measure in ("files", "lines", "bytes"):
        assert sum(one[measure] for one in languages.values()) == report["totals"][measure]
    by_name = Counter(hostile.place(tree, path).suffix for path in hostile.found(tree, "-type", "f"))
    assert languages["Rust"]["files"] == by_name[".rs"]
    assert languages["Python"]["files"] == by_name[".py"] + 1, "and the script that only its first line tells"
    lines = [one["lines"] for one in report["languages"]]
    assert lines == sorted(lines, reverse=True)


def test_what_cannot_be_read_is_a_problem_with_its_reason(local_run, tree, unprivileged):
    for name in ("file.py", "closed/inside.py", "listed only/inside.py", "open/file.py"):
        (tree / name).parent.mkdir(exist_ok=True)
        (tree / name).write_text("one\n")
    (tree / "link").symlink_to("closed/inside.py")
    for name, mode in (("file.py", 0o000), ("closed", 0o000), ("listed only", 0o444)):
        (tree / name).chmod(mode)
    run = local_run("inventory", path=str(tree))
    with unprivileged():
        report = run.run()

    assert report["problems"] == [
        {"path": "closed", "reason": "Permission denied"},
        {"path": "file.py", "reason": "Permission denied"},
        {"path": "listed only/inside.py", "reason": "Permission denied"},
    ]
    assert report["problems_total"] == 3
    assert report["totals"]["directories"] == 4
    assert report["totals"]["lines"] == 1, "of the one that is open"
    assert report["totals"]["broken_links"] == 0, "the link's target is there, as far as anyone can tell"


def test_a_tree_of_300_generations_needs_few_subtasks(local_run, tree):
    bottom = tree
    for _ in range(300):
        bottom /= "d"
        bottom.mkdir()
        (bottom / "a.py").write_text("one\n")
    run = local_run("inventory", path=str(tree))
    report = run.run()

    assert report["totals"]["directories"] == 301
    assert report["totals"]["lines"] == 300
    assert len(run.outcomes) <= 13


def test_deeper_than_a_path_may_be_is_a_problem_not_the_end(local_run, tree):
    at = os.open(tree, os.O_RDONLY)
    for _ in range(25):
        os.mkdir("d" * 200, dir_fd=at)
        at, above = os.open("d" * 200, os.O_RDONLY, dir_fd=at), at
        os.close(above)
    os.close(at)
    report = local_run("inventory", path=str(tree)).run()
    for _ in range(25):  # rmtree of this Python cannot go there, either
        inner = tree / ("d" * 200)
        if (inner / ("d" * 200)).exists():
            (inner / ("d" * 200)).rename(tree / "next")
            inner.rmdir()
            (tree / "next").rename(inner)

    assert [problem["reason"] for problem in report["problems"]] == ["File name too long"]
    assert report["totals"]["directories"] >= 20


def test_a_directory_of_many_files_is_divided_and_every_file_read_once(local_run, tree):
    names = [f"{'名' * 60} {number}.py" for number in range(1500)]
    for number, name in enumerate(names):
        (tree / name).write_text(f"{number}\n")
    (tree / "below").mkdir()
    (tree / "link").symlink_to("below")
    (tree / "below" / "one.py").write_text("one\n")
    run = local_run("inventory", path=str(tree))
    report = run.run()

    assert sorted(files_of(run)) == sorted([*names, "below/one.py"])
    assert report["totals"]["files"] == 1501
    assert (report["totals"]["directories"], report["totals"]["links"]) == (2, 1)
    assert summary(reversed(run.outcomes), run.params) == report, "in whatever order they come"
    assert len(run.outcomes) > 5
    assert all(len(json.dumps(outcome.result)) < 65_535 for outcome in run.outcomes)


def test_large_files_are_divided_among_subtasks(local_run, tree):
    for number in range(4):
        with (tree / f"{number}.bin").open("wb") as file:
            file.truncate(300 << 20)
    run = local_run("inventory", path=str(tree), read_limit=1000)
    report = run.run()

    assert len(run.outcomes) > 1
    assert report["totals"]["bytes"] == 4 * 300 << 20
    assert {problem["reason"] for problem in report["problems"]} == {"larger than read_limit"}


def test_a_tree_of_some_hundred_files_needs_some_ten_subtasks(local_run, tree):
    for number in range(600):
        directory = tree / str(number % 5) / str(number % 20) / str(number % 100)
        directory.mkdir(parents=True, exist_ok=True)
        (directory / f"{number}.py").write_text("one\n")
    run = local_run("inventory", path=str(tree))

    assert run.run()["totals"]["files"] == 600
    assert 8 <= len(run.outcomes) <= 20


def test_names_to_leave_out_are_left_out_at_any_depth(local_run, tree):
    for name in (".git/objects/x", "a/__pycache__/b.pyc", "a/b/keep.py", "a/b/drop.tmp", "drop.tmp.py"):
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text("one\n")
    report = local_run("inventory", path=str(tree), exclude=[".git", "__pycache__", "*.tmp"]).run()

    assert {file["path"] for file in report["largest"]} == {"a/b/keep.py", "drop.tmp.py"}
    assert report["totals"]["excluded"] == 3
    assert local_run("inventory", path=str(tree), exclude=[]).run()["totals"]["files"] == 5


def test_another_file_system_is_entered_only_when_asked(local_run):
    if not Path("/dev/shm").is_mount():  # noqa: S108 - nothing is written there
        pytest.skip("nothing is mounted here")
    closed = local_run("inventory", path="/dev").run()
    assert {"path": "shm", "reason": "another file system"} in closed["problems"]
    entered = local_run("inventory", path="/dev", other_file_systems=True).run()
    assert entered["totals"]["directories"] > closed["totals"]["directories"] - 1
    assert "another file system" not in {problem["reason"] for problem in entered["problems"]}


def test_a_directory_that_is_gone_is_a_problem(local_run, tree):
    run = local_run("inventory", path=str(tree))
    run.enqueue([Child("gone", payload(["gone"]))])
    assert run.run()["problems"] == [{"path": "gone", "reason": "No such file or directory"}]


@pytest.mark.parametrize(
    ("path", "error"),
    [("/nowhere", FileNotFoundError), ("/etc/passwd", NotADirectoryError), ("here", ValueError)],
)
def test_plan_refuses_what_is_no_directory(params, path, error):
    with pytest.raises(error):
        plan({**params, "path": path})


def test_plan_follows_a_link_that_is_the_root(local_run, tree, tmp_path):
    (tree / "a.py").write_text("one\n")
    link = tmp_path / "link"
    link.symlink_to(tree)
    assert local_run("inventory", path=str(link)).run()["totals"]["files"] == 1


def outcome(result, key="a", status="success", error=None):
    return Outcome(key, {}, None, 0, status, 1, None, None, result, error)


def row(path, files=(), **more):
    counts = dict.fromkeys(("links", "broken_links", "special", "excluded"), 0)
    return {"path": path, **counts, "files": list(files), "problem": None, **more}


def test_report_counts_nothing_twice_when_a_retry_divided_a_tree_that_changed(params):
    first = {"directories": [row("."), row("a", [["x.py", "Python", 5, 1, "h"]], links=1)]}
    again = {"directories": [row("a", [["x.py", "Python", 5, 1, "h"], ["y.py", "Python", 5, 1, "i"]], links=1)]}
    part = {"directories": [row("a", [["x.py", "Python", 5, 1, "h"]], part=["", "y"])]}
    report = summary([outcome(first), outcome(again, "b"), outcome(part, "c")], params)

    totals = report["totals"]
    assert (totals["directories"], totals["files"], totals["links"]) == (2, 2, 1)
    assert report["duplicates"] == []


def test_failed_subtasks_are_problems_of_the_report(params):
    outcomes = [
        outcome({"directories": [row(".")]}),
        outcome(None, "b", "failed", Error("HardTimeout", "too slow")),
        outcome(None, "c", "skipped"),
    ]
    assert summary(outcomes, params)["problems"] == [
        {"path": "b", "reason": "subtask failed: HardTimeout: too slow"},
        {"path": "c", "reason": "subtask skipped: not started"},
    ]


def test_report_of_nothing(params):
    report = summary([], params)
    assert report["totals"]["files"] == report["problems_total"] == 0
    assert report["languages"] == report["largest"] == report["duplicates"] == report["problems"] == []


def test_report_fits_a_result_whatever_the_names_are(params):
    path = "/".join(["名" * 80] * 16)
    files = [[f"{number}", f"Language {number % 90}", 10**15, 10**9, "h" * 16] for number in range(400)]
    files += [[f"x{number}", "Other", 1, None, None, None, "a reason " * 5] for number in range(200)]
    report = summary([outcome({"directories": [row(path, files)]})], {**params, "largest": 100})

    assert len(json.dumps(report)) < 65_535
    assert report["problems_total"] == 200
    assert all(report[part] for part in ("largest", "duplicates", "problems"))


def test_report_of_many_files_needs_little_memory(params):
    def outcomes():
        for number in range(100):
            files = [[f"file {i}.py", "Python", i, 1, f"{number * 1000 + i:016x}"] for i in range(300)]
            yield outcome({"directories": [row(f"directory/{number}", files)]}, str(number))

    tracemalloc.start()
    report = summary(outcomes(), params)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert report["totals"]["files"] == 30_000
    assert peak < 1_000_000


def test_what_was_left_out_is_as_the_form_offers_it(params, tree):
    assert params["exclude"] == [".git", "node_modules", "__pycache__", ".venv"]
    assert Path(params["path"]) == tree
