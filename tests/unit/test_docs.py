"""What the documents show works: specs load, links lead somewhere, commands run."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from airflow_mcp_provider.console.main import parser
from airflow_mcp_provider.spec import parse_job

ROOT = Path(__file__).parents[2]
FOLDERS = [ROOT / "docs", ROOT / "examples"]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(page for one in FOLDERS for page in one.rglob("*.md"))]
TEMPLATES = sorted((ROOT / "docs" / "templates").glob("*.md"))


def blocks(language: str) -> list[tuple[str, str]]:
    found = re.compile(rf"```{language}\n(.*?)```", re.DOTALL)
    return [(page.name, text) for page in PAGES for text in found.findall(page.read_text())]


SPECS = [(page, text) for page, text in blocks("yaml") if re.search(r"^plan:", text, re.MULTILINE)]
COMMANDS = sorted(
    {line for page in PAGES for line in re.findall(r"`(airflow mcp (?:validate|schema)[^`]*)`", page.read_text())}
)


def test_there_is_something_to_test():
    assert {page for page, _ in SPECS} >= {"README.md", "spec.md"}
    assert COMMANDS


@pytest.mark.parametrize(("page", "text"), SPECS)
def test_specs_load(page, text):
    assert parse_job(text, id="shown", source=page).each_step


@pytest.mark.parametrize("page", TEMPLATES, ids=lambda page: page.name)
def test_a_templates_page_shows_its_spec_and_a_run(page):
    spec = ROOT / "dags" / "jobs" / f"{page.stem}.yaml"
    assert f"```yaml\n{spec.read_text()}```" in page.read_text()
    assert f"](../pictures/{page.stem}.png)" in page.read_text()


def test_pages_for_those_who_come_from_elsewhere_show_what_the_tests_run():
    files = [path for path in (ROOT / "tests" / "peers").rglob("*") if path.suffix in {".py", ".yaml"}]
    tested = {path.read_text() for path in files}
    shown = [
        (page, text) for kind in ("python", "yaml") for page, text in blocks(kind) if page.startswith("coming-from-")
    ]
    assert {page for page, _ in shown} == {
        f"coming-from-{name}.md" for name in ("celery", "rq", "prefect", "dag-factory")
    }
    assert [page for page, text in shown if text not in tested] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for link in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
        if not link.startswith("http"):
            assert (page.parent / link).exists(), link


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_run(command):
    words = command.split()
    words += ["dags/jobs"] if words[-1] == "validate" else []
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", *words], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_each_command_of_mcp_jobs_has_valid_arguments():
    """tests/integration/client runs those of docs/command-line.md."""
    shown = [line for _, text in blocks("console") for line in re.findall(r"^\$ mcp-jobs (.*)$", text, re.MULTILINE)]
    assert len(shown) >= 14
    for line in shown:
        assert parser().parse_args(shlex.split(line)).command


def test_the_loader_of_the_readme_is_a_dag_file(tmp_path, monkeypatch):
    (text,) = [text for page, text in blocks("python") if page == "README.md" and "load_dags(" in text]
    lines = "\n".join(line.partition("#")[0] for line in text.splitlines())
    assert "airflow" in lines
    assert "dag" in lines, "Airflow would pass over the file without its comment"
    (tmp_path / "jobs").mkdir()
    (tmp_path / "jobs" / "one.yaml").write_text("plan: {items: [a]}\nrun: {shell: 'true'}\n")
    (tmp_path / "jobs.py").write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    import jobs

    assert jobs.one.dag_id == "one"
