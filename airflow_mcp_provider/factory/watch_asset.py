"""The asset that ``schedule.watch`` makes of a job: a run is created when its watcher emits an event.

Runs in the DAG processor only; a runner does not need the schedule of its job.
"""

from __future__ import annotations

import json
from importlib.util import find_spec

from airflow.sdk import Asset, AssetWatcher

from airflow_mcp_provider.errors import Problem, SpecError
from airflow_mcp_provider.spec.faults import shown
from airflow_mcp_provider.spec.watch import Watch
from airflow_mcp_provider.trigger.status import asset_name, asset_uri
from airflow_mcp_provider.trigger.watch import WatchTrigger

MESSAGING = "airflow.providers.common.messaging"
PACKAGE = "apache-airflow-providers-common-messaging"


def watch_asset(job: str, watch: Watch) -> Asset:
    """Return the asset of a job's watch; raises SpecError for a queue without the provider of message queues."""
    if watch.queue is not None and not _installed(MESSAGING):
        problem = Problem(
            f"missing package {PACKAGE} for the queue",
            "schedule.watch.queue",
            given=shown(watch.queue),
            expected="it and the provider of the queue, installed in the DAG processor and the triggerer",
        )
        raise SpecError(str(problem), problems=(problem,))
    check = json.dumps(watch.check, sort_keys=True)
    every, timeout = watch.every.total_seconds(), watch.timeout.total_seconds()
    trigger = WatchTrigger(job=job, check=check, every=every, timeout=timeout)
    return Asset(name=asset_name(job), uri=asset_uri(job), watchers=[AssetWatcher(name="watch", trigger=trigger)])


def _installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # its parent package
        return False
