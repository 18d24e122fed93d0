"""The hook of `.pre-commit-hooks.yaml`, run by pre-commit in a repository of a user."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SPEC = "plan: {python: 'mcp_committed:plan'}\nrun: {shell: 'true'}\n"


@pytest.fixture
def git(tmp_path):
    """Run git, or a program of this environment, with a home of its own."""
    home = tmp_path / "home"
    home.mkdir()
    own = {"HOME": str(home), "PRE_COMMIT_HOME": str(home / "cache"), "AIRFLOW_HOME": str(home / "airflow")}
    names = {f"GIT_{who}_{what}": "a@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    variables = {**os.environ, **own, **names, "PATH": path, "GIT_CONFIG_NOSYSTEM": "1"}

    def run(folder, *words, status=0):
        done = subprocess.run(words, cwd=folder, env=variables, capture_output=True, text=True, check=False)
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout + done.stderr

    return run


def repository(git, folder, files):
    folder.mkdir(parents=True)
    git(folder, "git", "init", "-q")
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    git(folder, "git", "add", ".")
    return folder


def test_a_commit_with_a_wrong_spec_is_refused(git, tmp_path):
    hooks = ".pre-commit-hooks.yaml"
    ours = repository(git, tmp_path / "provider", {hooks: (ROOT / hooks).read_text()})
    git(ours, "git", "commit", "-qm", "hooks")
    revision = git(ours, "git", "rev-parse", "HEAD").strip()
    config = f"repos:\n- repo: {ours}\n  rev: {revision}\n  hooks:\n  - id: airflow-mcp-validate\n"
    files = {
        ".pre-commit-config.yaml": config,
        "dags/jobs.py": "from airflow_mcp_provider.factory import load_dags\nglobals().update(load_dags('jobs'))\n",
        "dags/mcp_committed.py": "def plan(params): return []\n",
        "dags/jobs/a.yaml": SPEC,
    }
    theirs = repository(git, tmp_path / "theirs", files)
    git(theirs, "pre-commit", "install")
    assert "Check job specs" in git(theirs, "git", "commit", "-qm", "one")
    # The spec stays as it is: a change of the function alone is found, too.
    (theirs / "dags" / "mcp_committed.py").write_text("def plan(params, more): return []\n")
    git(theirs, "git", "add", ".")
    told = git(theirs, "git", "commit", "-qm", "two", status=1)
    assert "dags/jobs/a.yaml:1: plan.python: missing argument more of mcp_committed:plan(params, more)" in told
    assert git(theirs, "git", "log", "--oneline").count("\n") == 1
