"""Which pages there are, by the setting, and that each has its files."""

import re

import pytest
from airflow import plugins_manager

from airflow_mcp_provider.client.models import PREFIX
from airflow_mcp_provider.errors import InstallationError
from airflow_mcp_provider.plugin import McpPlugin
from airflow_mcp_provider.plugin.pages import entries, files
from airflow_mcp_provider.plugin.pages.files import STATIC


def names():
    return [app["name"] for app in entries.react_apps()]


def test_all_pages_by_default():
    assert names() == ["Jobs", "Job", "Subtasks"]
    assert [app["destination"] for app in entries.react_apps()] == ["nav", "dag", "dag_run"]


@pytest.mark.parametrize(("value", "expected"), [("nav", ["Jobs"]), ("NAV", ["Jobs"]), ("off", [])])
def test_fewer_pages(monkeypatch, value, expected):
    monkeypatch.setenv("AIRFLOW__MCP__UI", value)
    assert names() == expected
    assert [app["bundle_url"].endswith("?tabs=no") for app in entries.react_apps()] == [True] * len(expected)


def test_an_api_server_does_not_start_with_a_wrong_setting(monkeypatch):
    monkeypatch.setenv("AIRFLOW__MCP__UI", "yes")
    with pytest.raises(InstallationError) as error:
        _ = McpPlugin().fastapi_apps
    assert str(error.value) == "invalid value 'yes' of [mcp] ui (AIRFLOW__MCP__UI); expected all, nav or off"


def test_airflow_takes_them(monkeypatch):
    monkeypatch.setattr(plugins_manager, "_get_plugins", lambda: ([McpPlugin()], {}))
    _, found = plugins_manager._get_ui_plugins.__wrapped__()
    assert [app["url_route"] for app in found] == ["mcp-jobs", "mcp-job", "mcp-run"]


def test_addresses_are_relative_to_the_base_of_the_ui():
    assert f"/{entries.FILES}" == f"{PREFIX}/pages"
    for app in entries.react_apps():
        for address in (app["bundle_url"], app["icon"]):
            assert files.find(address.removeprefix(f"{entries.FILES}/").removesuffix("?tabs=no"))


def test_each_module_registers_its_page():
    for app in entries.react_apps():
        module = STATIC / entries.MODULES[app["name"]]
        assert re.search(rf'register\("{app["name"]}", \w+\)', module.read_text()), module


IMPORT = re.compile(r'^(?:import|export)\b([^"]*)from "([^"]+)"|^import "([^"]+)"', re.MULTILINE)
EXPORT = re.compile(r"^export (?:async )?(?:const|let|class|function\*?) (?:(\w+)|\{([^}]*)\})", re.MULTILINE)


def exported(module):
    found = set()
    for name, names in EXPORT.findall(module.read_text()):
        found |= {name} if name else {one.split(":")[-1].strip() for one in names.split(",")}
    return found


@pytest.mark.parametrize("module", sorted(STATIC.rglob("*.js")), ids=lambda path: path.relative_to(STATIC).as_posix())
def test_a_module_imports_what_exists(module):
    """A browser runs none of the modules of a page when one name is missing."""
    for names, source, alone in IMPORT.findall(module.read_text()):
        target = module.parent / (source or alone)
        assert (source or alone).startswith("."), "nothing but files of the pages"
        assert target.is_file()
        wanted = {one.split(" as ")[0].strip() for one in names.strip(" {}\n").split(",") if one.strip()}
        assert wanted <= exported(target), f"{source} has no {wanted - exported(target)}"
