"""Which server and token a command uses."""

import io
import json
import sys
from argparse import Namespace
from pathlib import Path

import pytest

from airflow_mcp_provider.console import server
from airflow_mcp_provider.errors import InvalidRequest

NOTHING = {"url": None, "token": None, "user": None, "env": None}


def find(environ=None, default=None, **arguments):
    return server.find(Namespace(**{**NOTHING, **arguments}), environ or {}, default)


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def write(file, content):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content if isinstance(content, str) else json.dumps(content))


def test_arguments_win_over_the_environment(home):
    write(home / "airflow" / "production.json", {"api_url": "http://stored"})
    found = find({"AIRFLOW_CLI_TOKEN": "theirs"}, url="http://mine", token="own")
    assert (found.url, found.token) == ("http://mine", "own")
    assert find({"AIRFLOW_CLI_TOKEN": "theirs"}).token == "theirs"
    assert find({"MCP_JOBS_URL": "http://exported"}).url == "http://exported"


def test_the_files_of_airflowctl_the_newer_place_first(home):
    assert find().url == "http://localhost:8080"
    assert find(default="http://own:1").url == "http://own:1"
    older = Path(__import__("platformdirs").user_config_path("airflow", "Apache Software Foundation"))
    assert home in older.parents
    write(older / "production.json", {"api_url": "http://older"})
    assert find(default="http://own:1").url == "http://older"
    write(home / "airflow" / "production.json", {"api_url": "http://newer"})
    assert find().url == "http://newer"
    write(home / "elsewhere" / "production.json", {"api_url": "http://home"})
    assert find({"AIRFLOW_HOME": str(home / "elsewhere")}).url == "http://home"


def test_environments(home):
    write(home / "airflow" / "staging.json", {"api_url": "http://staging"})
    assert find({"AIRFLOW_CLI_ENVIRONMENT": "staging"}).url == find(env="staging").url == "http://staging"
    assert find(env="other").url == "http://localhost:8080"
    with pytest.raises(InvalidRequest, match=r"invalid environment '\.\./x'"):
        find(env="../x")


@pytest.mark.parametrize("content", ["{", "[]", "{}"])
def test_a_damaged_file(home, content):
    write(home / "airflow" / "production.json", content)
    with pytest.raises(InvalidRequest, match="invalid file"):
        find()


def test_the_token_of_the_keyring(home, monkeypatch):
    """A package of the name keyring, as it may be installed."""
    write(
        home / "lib" / "keyring.py",
        "def get_password(service, name):\n    return {'api_token-production': 'old', 'api_token_staging': 'new'}.get(name) if service == 'airflowctl' else None\n",
    )
    monkeypatch.syspath_prepend(home / "lib")
    monkeypatch.delitem(sys.modules, "keyring", raising=False)
    assert (find().token, find(env="staging").token, find(env="x").token) == ("old", "new", None)
    assert find({"AIRFLOW_CLI_TOKEN": "mine"}).token == "mine"
    write(home / "airflow" / "production.json", {"api_url": "http://stored"})
    assert [find(url=url).token for url in ("http://stored", "http://other")] == ["old", None], "only to its server"
    sys.modules.pop("keyring", None)


def test_a_keyring_that_does_not_work(home, monkeypatch, capsys):
    write(home / "lib" / "keyring.py", "def get_password(service, name):\n    raise RuntimeError('no backend')\n")
    monkeypatch.syspath_prepend(home / "lib")
    monkeypatch.delitem(sys.modules, "keyring", raising=False)
    assert find().token is None
    assert "no backend" in capsys.readouterr().err
    sys.modules.pop("keyring", None)


def test_the_password_of_a_user_is_read_from_a_pipe(home, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO("secret\n"))
    found = find(user="anna")
    assert (found.user, found.password, found.token) == ("anna", "secret", None)


def test_the_password_of_a_user_in_the_environment(home, monkeypatch):
    """For programs whose stdin is for something else."""
    monkeypatch.setattr(sys, "stdin", None)
    found = find({"MCP_JOBS_PASSWORD": "secret"}, user="anna")
    assert (found.user, found.password, found.token) == ("anna", "secret", None)
    assert find({"MCP_JOBS_PASSWORD": "secret"}, token="own").password is None
