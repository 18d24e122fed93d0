"""Private API of Airflow that admission uses, by name: a release that changes it fails here."""

import inspect

from airflow.api_fastapi.common.db.common import SessionDep
from airflow.models.dagrun import DagRun
from airflow.models.serialized_dag import SerializedDagModel
from airflow.utils.types import DagRunType

from airflow_mcp_provider.plugin.admission import airflow_internals


def test_every_type_of_run_is_of_a_person_or_of_the_scheduler():
    of_the_scheduler = {DagRunType.SCHEDULED, DagRunType.ASSET_TRIGGERED}
    assert set(DagRunType) == airflow_internals.DOORS | of_the_scheduler


def test_the_transaction_of_a_request_is_committed_before_the_answer():
    (depends,) = SessionDep.__metadata__
    assert depends.scope == "function", "a refusal at the commit would come too late to be the answer"


def test_a_run_knows_who_submitted_it_and_when():
    assert {"triggering_user_name", "created_at", "conf", "run_type"} <= set(DagRun.__mapper__.columns.keys())


def test_the_params_of_a_serialized_dag(session):
    assert "dag_id" in inspect.signature(SerializedDagModel.latest_item_select_object).parameters
    assert airflow_internals.declared(session, "nobody") == {}
