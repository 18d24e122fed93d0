"""The modules of the tab Subtasks that have no React, in Node, or in Chromium where there is no Node."""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from airflow_mcp_provider.plugin.pages.files import STATIC
from tests.integration.browser import chromium

MODULES = Path(__file__).parent / "modules"
TESTS = sorted(path.name for path in MODULES.glob("*_test.js"))
RUN = 'import("./modules/{0}").then(() => import("./modules/check.js")).then((check) => check.run())'


@pytest.fixture
def folder(tmp_path):
    shutil.copytree(STATIC, tmp_path / "static")
    shutil.copytree(MODULES, tmp_path / "modules")
    # Node takes a file .js for a module only where this says so.
    (tmp_path / "package.json").write_text('{"type": "module"}')
    return tmp_path


@pytest.mark.parametrize("name", TESTS)
def test_module(folder, name):
    found = in_node(folder, name) if shutil.which("node") else in_chromium(folder, name)
    assert not found["failed"], "\n".join(found["failed"])
    assert found["count"] > 1


def in_node(folder, name):
    (folder / "main.js").write_text(f"{RUN.format(name)}.then((found) => console.log(JSON.stringify(found)));")
    done = subprocess.run(["node", "main.js"], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


class Quiet(SimpleHTTPRequestHandler):
    """A browser loads modules only over HTTP."""

    def log_message(self, *_):
        pass


def in_chromium(folder, name):
    if why := chromium.missing():
        pytest.skip(f"needs node, or {why.removeprefix('needs ')}")
    from playwright.sync_api import sync_playwright

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium.program(), args=["--no-sandbox"])
            page = browser.new_page()
            page.goto(f"http://127.0.0.1:{server.server_port}/package.json")
            found = page.evaluate(RUN.format(name))
            browser.close()
            return found
    finally:
        server.shutdown()
        server.server_close()
