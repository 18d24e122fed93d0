"""The text of a spec: complete, stable, and with a name of its own."""

from pathlib import Path

import pytest

from airflow_mcp_provider.errors import SpecError
from airflow_mcp_provider.spec import FolderDefaults, load_job, parse_job, spec_files, version

ROOT = Path(__file__).parents[3]
FOLDERS = [path for part in ("dags", "examples", "tests") for path in ROOT.glob(f"{part}/**/jobs") if path.is_dir()]
SCHEDULED = """
schedule: {cron: ["0 8 * * mon-fri", "@daily"], timezone: Europe/Berlin, start: 2026-12-01T00:00, jitter: 5m, conf: {a: [1, x]}}
params: {a: {default: 1}, b: {type: [string, 'null'], default: null}}
plan: {items: [1, {a: {b: [1.5, null, true]}}]}
run: {shell: "echo ä"}
"""


def specs():
    for folder in FOLDERS:
        defaults = FolderDefaults(folder)
        for path in spec_files(folder):
            try:
                yield load_job(path, defaults)
            except SpecError:
                continue
    yield parse_job(SCHEDULED, id="scheduled")


def test_a_spec_is_read_from_its_text_as_it_was():
    found = list(specs())
    assert len(found) > 50
    for spec in found:
        text = version.text(spec)
        assert version.read(text) == spec
        assert version.text(version.read(text)) == text


def test_a_name_is_that_of_one_text():
    first, second = (parse_job(f"plan: {{items: [{n}]}}\nrun: {{shell: x}}", id="a") for n in (1, 2))
    names = {version.name(version.text(spec)) for spec in (first, second, first)}
    assert len(names) == 2
    assert all(name.startswith(version.PREFIX) and len(name) == 20 for name in names)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"id": "a"}'])
def test_another_text_is_an_error(text):
    with pytest.raises(SpecError):
        version.read(text)
