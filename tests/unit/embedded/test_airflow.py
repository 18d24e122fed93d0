"""What an embedded Airflow is told, without starting one."""

import json
from pathlib import Path

import pytest

from airflow_mcp_provider.embedded.airflow import Embedded


@pytest.fixture
def make(tmp_path, monkeypatch):
    monkeypatch.setenv("AIRFLOW__CORE__PARALLELISM", "77")
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    made = []

    def make(**topology):
        made.append(Embedded(home=tmp_path / "home", database="sqlite", **topology))
        return made[-1]

    yield make
    for embedded in made:
        embedded.close()


def test_the_shell_that_starts_it_does_not_change_it(make):
    environment = make(parallelism=3).environment()
    assert environment["AIRFLOW__CORE__PARALLELISM"] == "3"
    assert "PYTHONDONTWRITEBYTECODE" not in environment


def test_what_is_given_is_stronger_than_our_settings(make):
    assert make().environment()["AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME"] == "0.1"
    env = {"AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "2"}
    assert make(env=env).environment()["AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME"] == "2"


def test_each_has_its_own_secrets_and_all_its_processes_the_same(make):
    secret = "AIRFLOW__API_AUTH__JWT_SECRET"
    one, two = make(api_servers=2), make()
    assert one.environment(0)[secret] == one.environment(1)[secret] != two.environment()[secret]
    assert one.password != two.password


def test_servers_have_their_own_ports_on_this_machine_alone(make):
    embedded = make(api_servers=3)
    assert len(set(embedded.urls)) == 3
    assert all(url.startswith("http://127.0.0.1:") for url in embedded.urls)
    servers = [embedded.environment(n)["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"] for n in range(4)]
    assert servers == [f"{url}/execution/" for url in (*embedded.urls, embedded.url)]


@pytest.mark.parametrize("number", [0, 1, 2])
def test_dag_folders_are_bundles(make, tmp_path, number):
    folders = [tmp_path / str(n) / "dags" for n in range(number)]
    bundles = json.loads(make(dags=folders).environment()["AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST"])
    assert [bundle["name"] for bundle in bundles] == ["dags-folder", "dags-2"][: max(number, 1)]
    assert [Path(bundle["kwargs"]["path"]) for bundle in bundles if bundle["kwargs"]] == folders
