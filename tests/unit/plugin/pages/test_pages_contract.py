"""What the pages use of Airflow's UI, looked for in the installed bundle: a release that changes it fails here."""

from __future__ import annotations

import re
from pathlib import Path

import airflow
import pytest
from airflow.api_fastapi.core_api.datamodels.plugins import ReactAppResponse
from airflow.plugins_manager import AirflowPlugin

from airflow_mcp_provider.plugin.pages import entries
from airflow_mcp_provider.plugin.pages.files import STATIC

ASSETS = Path(airflow.__file__).parent / "ui" / "dist" / "assets"
NAME = r"[\w$]+"


@pytest.fixture(scope="module")
def bundle():
    found = [text for path in ASSETS.glob("index-*.js") if "ReactRouterDOM" in (text := path.read_text())]
    assert len(found) == 1, "the one module that puts React on globalThis"
    return found[0]


def used(part: str) -> list[str]:
    """The names that lib/react.js takes of a part: `export const { a, b: c } = provided("React")`."""
    text = (STATIC / "lib" / "react.js").read_text()
    (names,) = re.findall(r"export const \{([^}]*)\} = provided\(\"" + part + r"\"\)", text)
    return [one.split(":")[0].strip() for one in names.split(",") if one.strip()]


def exported(bundle: str, part: str) -> set[str]:
    """The names of a part that is a namespace of the bundle: `name=i({A:()=>x,…})`."""
    (variable,) = re.findall(rf"Reflect\.set\(globalThis,`{part}`,({NAME})\)", bundle)
    (names,) = re.findall(rf"\b{re.escape(variable)}=\w\(\{{((?:{NAME}:\(\)=>{NAME},?)+)\}}\)", bundle)
    return set(re.findall(rf"({NAME}):\(\)=>", names))


@pytest.mark.parametrize("part", ["ReactRouterDOM", "ChakraUI"])
def test_the_router_and_the_components_on_global_this(bundle, part):
    names = used(part)
    assert names
    assert set(names) <= exported(bundle, part)


def test_react_on_global_this(bundle):
    assert re.search(rf"Reflect\.set\(globalThis,`React`,{NAME}\.default\)", bundle)
    missing = [name for name in used("React") if not re.search(rf"\b{NAME}\.{name}=", bundle)]
    assert missing == []


PROVIDED = re.compile(r"globalThis(\[|\.(React|ChakraUI|Emotion|Airflow))")


def test_nothing_else_is_read_from_global_this():
    """One file reads what Airflow's UI provides, and one registers the pages there."""
    readers = {str(path.relative_to(STATIC)) for path in STATIC.rglob("*.js") if PROVIDED.search(_code(path))}
    assert readers == {"lib/react.js", "lib/entry.js"}


def _code(path: Path) -> str:
    return re.sub(r"^\s*//.*$", "", path.read_text(), flags=re.MULTILINE)


def test_how_the_ui_finds_a_page_and_what_it_passes(bundle):
    assert re.search(rf"new URL\({NAME}\.bundle_url,document\.baseURI\)\.href", bundle)
    assert re.search(rf"let {NAME}=globalThis\[{NAME}\.name\];if\({NAME}===void 0&&", bundle)
    assert re.search(rf"\{{dagId:{NAME},mapIndex:{NAME},runId:{NAME},taskId:{NAME}\}}\)", bundle)
    assert re.search(rf"label:{NAME}\.name,value:`plugin/\$\{{{NAME}\.url_route\}}`", bundle), "a tab"
    assert re.search(rf"return {NAME}\.nav_top_level===!0", bundle)


def test_the_addresses_of_links(bundle):
    for path in (
        "plugin/:page/*",
        "dags/:dagId",
        "dags/:dagId/runs/:runId",
        "dags/:dagId/runs/:runId/tasks/:taskId",
        "dags/:dagId/runs/:runId/tasks/:taskId/mapped/:mapIndex",
    ):
        assert f"path:`{path}`" in bundle, path


def test_the_button_of_the_form_and_the_zone_of_the_reader(bundle):
    assert re.search(r"\"data-testid\":`trigger-dag-button`", bundle)
    assert re.search(rf"[ ,]{NAME}=`timezone`", bundle)
    assert '[data-testid="trigger-dag-button"]' in (STATIC / "lib" / "trigger.js").read_text()
    assert 'ZONE_KEY = "timezone"' in (STATIC / "lib" / "time.js").read_text()


def test_the_colors_of_states(bundle):
    palettes = set(re.findall(r'palette: "(\w+)"', (STATIC / "lib" / "state.js").read_text()))
    assert len(palettes) > 5
    missing = [one for one in palettes if not re.search(rf"[{{,]{one}:{NAME}\(`\w+`\)", bundle)]
    assert missing == []


def test_the_entries_are_what_airflow_reads():
    assert AirflowPlugin.react_apps == []
    for app in entries.react_apps():
        read = ReactAppResponse.model_validate(app)
        assert set(app) <= set(ReactAppResponse.model_fields)
        assert read.bundle_url == app["bundle_url"]
