"""``fit_report`` without Airflow: figures as the standard library has them, files that are whole, groups with odd names."""

import csv
import hashlib
import statistics
from pathlib import Path

import pytest
from fit.files import stem_of, write

ODD = 'it\'s "odd" $(touch owned) <b>'


def group(folder: Path, name: str, rows: object) -> None:
    folder.mkdir(exist_ok=True)
    text = "".join(f"{x},{y}\n" for x, y in rows)
    (folder / f"{name}.csv").write_text(f"x,y\n{text}")


def test_figures_and_files_are_those_of_an_independent_computation(local_run, tmp_path):
    data, folder = tmp_path / "data", tmp_path / "a" / "report"
    rows = {"up": [(n, 3 * n + 7 + n % 5) for n in range(200)], ODD: [(n, 40 - n * n) for n in range(50)]}
    for name, each in rows.items():
        group(data, name, each)
    (data / "notes.txt").write_text("not a group")
    run = local_run("fit_report", data=str(data), folder=str(folder))
    report = run.run()
    assert {outcome.key for outcome in run.outcomes} == {*rows}
    for outcome in run.outcomes:
        xs, ys = zip(*rows[outcome.key], strict=True)
        slope, intercept = statistics.linear_regression(xs, ys)
        told = outcome.result
        assert (told["slope"], told["intercept"]) == pytest.approx((slope, intercept))
        assert told["r2"] == pytest.approx(statistics.correlation(xs, ys) ** 2)
        assert told["low"] < slope < told["high"]
        for file in told["files"]:
            content = Path(file["path"]).read_bytes()
            assert (len(content), hashlib.sha256(content).hexdigest()) == (file["bytes"], file["sha256"])
    with Path(report["index"]["path"]).open(newline="") as index:
        listed = [*csv.DictReader(index)]
    assert (report["groups"], report["files"], report["gone"]) == (2, 6, [])
    assert {row["path"] for row in listed} | {report["index"]["path"]} == set(map(str, folder.iterdir()))
    assert not (Path.cwd() / "owned").exists()
    (page,) = folder.glob("it_s*.html")
    assert "<b>" not in page.read_text()


def test_what_cannot_be_fitted_says_why(local_run, tmp_path):
    data = tmp_path / "data"
    bad = {
        "word": [(1, 2), (2, "much")],
        "nan": [(1, 2), ("nan", 3)],
        "few": [(1, 2)],
        "upright": [(1, n) for n in range(9)],
    }
    for name, rows in bad.items():
        group(data, name, rows)
    (data / "empty.csv").touch()
    run = local_run("fit_report", data=str(data), folder=str(tmp_path / "report"))
    assert run.run()["files"] == 0
    said = {outcome.key: outcome.error.message.partition("last line of output: ")[2] for outcome in run.outcomes}
    assert said == {
        "word": "word.csv:3: no two numbers: ['2', 'much']",
        "nan": "nan.csv:3: not finite: ['nan', '3']",
        "few": "no line through 1 rows: 3 are needed, of more than one x",
        "upright": "no line through 9 rows: 3 are needed, of more than one x",
        "empty": "no line through 0 rows: 3 are needed, of more than one x",
    }


def test_a_file_that_is_gone_or_other_is_told(local_run, tmp_path):
    group(tmp_path / "data", "up", [(n, n) for n in range(9)])
    run = local_run("fit_report", data=str(tmp_path / "data"), folder=str(tmp_path / "report"))
    run.run()
    first, second, _ = (Path(file["path"]) for file in run.outcomes[0].result["files"])
    first.unlink()
    second.write_text("other")
    assert run._report()["gone"] == [str(first), str(second)]


def test_what_a_killed_attempt_left_is_swept_and_never_has_the_files_name(tmp_path):
    (tmp_path / ".a.svg.77.part").write_text("half")
    write(tmp_path / "a.svg", "whole")
    assert [path.name for path in tmp_path.iterdir()] == ["a.svg"]


def test_groups_that_look_alike_have_files_of_their_own():
    assert len({stem_of(name) for name in ("a/b", "a_b", "a b", "a" * 300, "a" * 301)}) == 5
