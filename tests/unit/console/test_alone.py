"""The client and the command line with the packages that docs/client.md names, and no others."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[3] / "docs" / "client.md").read_text()
(CLIENT, CONSOLE) = re.findall(r"pip install (httpx [\w ]+)`, and for `mcp-jobs` `([\w ]+)`", PAGE)[0]

ONLY = """
import sys
from importlib import metadata
from packaging.requirements import Requirement

def closure(names):
    found = set()
    while names:
        name = names.pop()
        if name not in found:
            found.add(name)
            needed = [Requirement(text) for text in metadata.requires(name) or ()]
            names += [one.name for one in needed if one.marker is None or one.marker.evaluate({"extra": ""})]
    return {name.lower().replace("_", "-") for name in found}

class Only:
    def find_spec(name, path=None, target=None):
        if name.partition(".")[0] in others:
            raise ModuleNotFoundError(f"no module {name!r} here", name=name)

allowed = closure(sys.argv[1].split())
others = {
    top for top, dists in metadata.packages_distributions().items()
    if not {one.lower().replace("_", "-") for one in dists} & allowed and top != "airflow_mcp_provider"
}
assert "airflow" in others and "httpx" not in others
sys.meta_path.insert(0, Only)
"""
SUBMIT = """
from airflow_mcp_provider.client import AsyncJobClient, JobClient
from airflow_mcp_provider.errors import ServerUnavailable
AsyncJobClient("http://127.0.0.1:9", token="x")
try:
    JobClient("http://127.0.0.1:9", token="x", patience=0).submit("a")
except ServerUnavailable:
    print("sent")
"""
COMMAND = """
from airflow_mcp_provider.console import screen
from airflow_mcp_provider.console.main import main
screen.PATIENCE_S = 0
for words in ("list", "list -o yaml", "submit x --not-before 10m --follow", "logs a b", "tree a b", "watch", "cancel a b --grace 5s"):
    assert main([*words.split(), "--url", "http://127.0.0.1:9"]) == 9, words
print("sent")
"""


@pytest.mark.parametrize(("packages", "code"), [(CLIENT, SUBMIT), (f"{CLIENT} {CONSOLE}", COMMAND)])
def test_these_packages_are_enough(packages, code):
    done = subprocess.run([sys.executable, "-c", ONLY + code, packages], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "sent\n"), done.stderr
