import pytest
from sqlalchemy import create_engine

from airflow_mcp_provider.embedded.database import Sqlite, replacing, template


def test_a_template_is_whole_or_not_there(tmp_path):
    kept = tmp_path / "cache" / "postgres-1"
    with pytest.raises(UnicodeEncodeError), replacing(kept) as fresh:
        fresh.write_text("half \udcff")
    assert not any(kept.parent.iterdir())
    with replacing(kept) as fresh:
        fresh.write_text("whole")
        assert not kept.exists()
    assert [path.read_text() for path in kept.parent.iterdir()] == ["whole"]


def test_templates_are_apart_by_kind_and_by_settings(monkeypatch):
    first = template("sqlite")
    assert template("postgres") != first
    monkeypatch.setattr(
        "airflow_mcp_provider.embedded.recommended_settings.environment", lambda: {"AIRFLOW__A__B": "other"}
    )
    assert template("sqlite") != first


def test_a_query_takes_arguments_and_commits(tmp_path):
    database = Sqlite(tmp_path / "airflow.db")
    database.query("CREATE TABLE t (a)")
    database.query("INSERT INTO t VALUES (%s)", ["it's"])
    assert database.query("SELECT a FROM t") == [("it's",)]


def test_airflows_connections_wait_for_a_lock_for_a_minute(tmp_path):
    """By default for 5 s: a process that stands still for longer would end the scheduler with an error."""
    engine = create_engine(Sqlite(tmp_path / "airflow.db").url)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() == 60_000
    engine.dispose()
