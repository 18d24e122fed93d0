"""What Airflow masks in its logs comes out in clear nowhere: a database, logs and answers with secrets of every origin."""

from __future__ import annotations

import json
import re
from pathlib import Path

from sqlalchemy import MetaData, create_engine, select

from airflow_mcp_provider.embedded.airflow import Embedded
from tests.integration.growth.conftest import SECRETS
from tests.integration.growth.runs import Ended, does, trigger

PASSWORD, EXTRA, VARIABLE = "password-of-a-connection-1117", "field-of-its-extra-2228", "value-of-a-variable-3339"
PLANTED = (PASSWORD, EXTRA, VARIABLE, SECRETS["CRAWLER_TOKEN"], "password-in-an-url-8842")
SCRIPTS = ("echo $CRAWLER_TOKEN; exit 3", 'echo "[\\"$CRAWLER_TOKEN\\"]"', 'echo "$AIRFLOW_CONN_ARCHIVE" >&2; exit 4')
CLEAR = re.compile(rf".{{0,300}}(?:{'|'.join(PLANTED)})")
KEPT_IN = {"connection", "variable"}
"""Tables whose purpose is to hold them; encrypted."""


def test_secrets_come_out_nowhere(airflow: Embedded, record: Path) -> None:
    plant(airflow)
    scripts = [{"node": f"script {number}", "script": script} for number, script in enumerate(SCRIPTS)]
    one = {"subtasks": [does("give")], "record": str(record)}
    runs = {
        "deeds": trigger(airflow, "deeds", record, [leaks("raise"), leaks("return")]),
        "shell": airflow.api.trigger("shell", {"subtasks": scripts}),
        "deeds-report": airflow.api.trigger("deeds-report", {**one, "how": "leak"}),
        "deeds-plan-leak": airflow.api.trigger("deeds-plan-leak", one),
    }
    run, shell, report, plan = (Ended(airflow, job, run_id) for job, run_id in runs.items())
    assert (report.run["state"], plan.run["state"]) == ("failed", "failed"), "each raises with all secrets"
    outcomes, said = run.outcomes, shell.outcomes
    assert outcomes["leak raise"]["error"]["message"] == f"('![p](http://evil.example/x.png)', {['***'] * 5})"
    assert outcomes["leak return"]["result"]["found"] == ["***"] * 5
    assert said["script 0"]["error"]["message"] == "the process ended with exit code 3; last line of output: ***"
    assert said["script 1"]["result"] == ["***"]
    assert len(outcomes) == 2 + 2 * len(PLANTED), "a key without its secret is still another one"
    note = run.run["note"].splitlines()[1]
    assert (note[:13], note[-1]) == ("`leak raise: ", "`"), "data is shown as code"
    assert report.result["error"]["message"] == f"('the password is', {['***'] * 5})"
    assert report.run["note"].startswith("failed: the report failed:")
    assert "the password is" in report.run["note"]
    assert {place: sorted(text) for place, text in found(airflow, run, shell, report, plan).items() if text} == {}


def leaks(how: str) -> dict[str, object]:
    return does("leak", f"leak {how}", how=how)


def plant(airflow: Embedded) -> None:
    connection = {"connection_id": "vault", "conn_type": "http", "password": PASSWORD}
    airflow.api.post("/connections", {**connection, "extra": json.dumps({"api_key": EXTRA})})
    airflow.api.post("/variables", {"key": "vault_passphrase", "value": VARIABLE})


def found(airflow: Embedded, *runs: Ended) -> dict[str, set[str]]:
    """Where a planted secret stands in clear."""
    files = {str(path): path.read_text(errors="replace") for path in airflow.folder.rglob("*.log")}
    assert any("printed:" in text for text in files.values()), "these are the logs"
    answers = {f"REST {run.names}": answered(airflow, run) for run in runs}
    texts = {**files, **answers, **tables(airflow)}
    return {place: set(CLEAR.findall(text)) for place, text in texts.items()}


def answered(airflow: Embedded, run: Ended) -> str:
    stores = [airflow.api.state_store(*run.names, row["task_id"], row["map_index"]) for row in run.rows()]
    return json.dumps([run.run, run.result, run.rows(), stores])


def tables(airflow: Embedded) -> dict[str, str]:
    engine = create_engine(airflow.environment()["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"])
    known = MetaData()
    known.reflect(engine)
    with engine.connect() as connection:
        rows = {
            f"table {table.name}": repr(connection.execute(select(table)).all())
            for table in known.sorted_tables
            if table.name not in KEPT_IN
        }
    engine.dispose()
    assert "mcp.outcome" in rows["table task_state_store"]
    return rows
