"""The job ``pipeline`` without Airflow: three steps of shell, nothing published before all is verified."""

import gzip

import pytest

from airflow_mcp_provider.spec import ShellWork

NAMES = ["plain.txt", "a b.txt", "it's $HOME `x`.txt", 'quo"te\\.txt', "-n", "{name}.txt", "ünï.txt", "%41"]


@pytest.fixture
def folders(tmp_path):
    (tmp_path / "in").mkdir()
    for number, name in enumerate(NAMES):
        (tmp_path / "in" / name).write_bytes(bytes([number]) * 1000 * number)
    (tmp_path / "in" / ".hidden").write_text("x")
    (tmp_path / "in" / "line\nbreak").write_text("x")
    (tmp_path / "in" / "folder").mkdir()
    return {"path": str(tmp_path / "in"), "target": str(tmp_path / "out" / "deep")}, tmp_path / "out" / "deep"


def test_every_file_arrives_as_it_was(local_run, folders, tmp_path):
    params, target = folders
    assert local_run("pipeline", **params).run() == {"published": len(NAMES), "refused": 0}
    assert sorted(path.name for path in target.iterdir()) == sorted(f"{name}.gz" for name in NAMES)
    for name in NAMES:
        assert gzip.decompress((target / f"{name}.gz").read_bytes()) == (tmp_path / "in" / name).read_bytes()


def test_a_copy_that_is_not_as_it_was_is_not_published(local_run, folders):
    """Something writes over a copy between two steps."""
    params, target = folders
    run = local_run("pipeline", **params)
    pack, *later = run.spec.steps
    spoils = 'case $MCP_SUBTASK_NAME in a*) gzip -c /dev/null >"$MCP_PARAM_TARGET/.$MCP_SUBTASK_NAME.gz"; esac\n'
    spoilt = pack.model_copy(update={"run": ShellWork(shell=pack.run.shell + spoils)})
    steps = (spoilt, *later)
    run.spec = run.spec.model_copy(update={"steps": steps})
    assert run.run() == {"published": len(NAMES) - 1, "refused": 1}
    assert not (target / "a b.txt.gz").exists()


def test_a_file_that_was_published_by_a_runner_that_died_is_no_failure(local_run, folders):
    """Each file is moved twice, as by an attempt of which nobody heard."""
    run = local_run("pipeline", **folders[0])
    *others, publish = run.spec.steps
    moves = publish.run.shell
    twice = publish.model_copy(update={"run": publish.run.model_copy(update={"shell": f"({moves})\n{moves}"})})
    run.spec = run.spec.model_copy(update={"steps": (*others, twice)})
    assert run.run() == {"published": len(NAMES), "refused": 0}
