import pytest

from tests.unit.dags import hostile


def test_a_hostile_tree_is_counted_as_the_systems_own_tools_count_it(local_run, tree):
    hostile.build(tree)
    run = local_run("line_count", path=str(tree))
    report = run.run()

    files = hostile.found(tree, "-type", "f")
    contents = [hostile.place(tree, path).read_bytes() for path in files]
    assert report == {
        "directories": len(hostile.found(tree, "-type", "d")),
        "files": len(files),
        "lines": sum(content.count(b"\n") for content in contents),
        "bytes": sum(map(len, contents)),
        "problems": 0,
    }
    assert [outcome.error for outcome in run.outcomes if outcome.error] == []


def test_names_that_look_like_programs_do_nothing(local_run, tree):
    name = "$(touch owned)`touch owned`; touch owned"
    (tree / name).mkdir()
    (tree / name / "a").write_text("one\n")
    report = local_run("line_count", path=str(tree)).run()
    assert (report["directories"], report["lines"]) == (2, 1)
    assert hostile.found(tree, "-name", "owned") == []


def test_what_cannot_be_read_is_counted_and_told(local_run, tree, unprivileged, capfd):
    (tree / "open.py").write_text("one\n")
    (tree / "closed.py").write_text("one\n")
    (tree / "closed.py").chmod(0o000)
    run = local_run("line_count", path=str(tree))
    with unprivileged():
        report = run.run()
    assert report == {"directories": 1, "files": 2, "lines": 1, "bytes": 4, "problems": 1}
    assert "closed.py" in capfd.readouterr().err


def test_plan_refuses_what_is_no_directory(local_run):
    with pytest.raises(Exception, match="exit code"):
        local_run("line_count", path="/nowhere").run()
