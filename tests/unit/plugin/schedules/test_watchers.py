"""Which watches are ended: those that no job has now."""

import pytest
from airflow.models.asset import AssetModel, AssetWatcherModel, DagScheduleAssetReference
from airflow.models.dag import DagModel
from airflow.models.trigger import Trigger
from sqlalchemy import select

from airflow_mcp_provider.plugin.schedules.watchers import end_watches
from airflow_mcp_provider.trigger.status import asset_name, asset_uri


@pytest.fixture
def watch(session):
    """Make an asset with a watcher, to which a DAG may refer."""

    def made(name, uri, dag=None):
        asset = AssetModel(name=name, uri=uri, group="asset", extra={})
        trigger = Trigger("a.Trigger", {"of": name})
        session.add_all([asset, trigger])
        session.flush()
        session.add(AssetWatcherModel(name="watch", asset_id=asset.id, trigger_id=trigger.id))
        if dag:
            session.add(DagScheduleAssetReference(asset_id=asset.id, dag_id=dag))
        session.flush()

    return made


def watched(session):
    query = select(AssetModel.name).join(AssetWatcherModel, AssetWatcherModel.asset_id == AssetModel.id)
    return set(session.scalars(query))


def test_the_watch_of_a_removed_job_and_of_another_schedule_ends(session, make_job, watch):
    for job in ("stays", "removed", "edited"):
        make_job(job)
        watch(asset_name(job), asset_uri(job), None if job == "edited" else job)
    watch("of a plain DAG", "s3://bucket")
    session.get_one(DagModel, "removed").is_stale = True
    session.flush()
    assert end_watches(session) == 2
    assert watched(session) == {asset_name("stays"), "of a plain DAG"}
    assert end_watches(session) == 0
