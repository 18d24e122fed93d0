"""The thread of a scheduler waits for a scheduler that starts slowly, and ends in every other component."""

from dataclasses import replace

import pytest
from airflow.jobs.job import Job
from airflow.jobs.scheduler_job_runner import SchedulerJobRunner
from airflow.jobs.triggerer_job_runner import TriggererJobRunner

from airflow_mcp_provider.plugin.queue.airflow_internals import SCHEDULER, scheduler_number
from airflow_mcp_provider.plugin.scheduler import Monitors
from tests.unit.plugin.conftest import SETTINGS

# ``manager``: without the listener of the plugin, which starts such a thread for each Job.


def test_a_scheduler_that_starts_has_no_number_yet(manager):
    job = Job()
    assert scheduler_number(job) is None
    job.job_type = SchedulerJobRunner.job_type
    assert scheduler_number(job) is None, "Airflow sets the type first; the id comes from the database"
    job.id = 7
    assert (scheduler_number(job), SCHEDULER) == ("7", SchedulerJobRunner.job_type)


def test_another_component_is_no_scheduler(manager):
    job = Job()
    job.job_type = TriggererJobRunner.job_type
    with pytest.raises(LookupError, match="TriggererJob"):
        scheduler_number(job)


def test_the_thread_ends_in_another_component(manager):
    job, monitors = Job(), Monitors(replace(SETTINGS, look_interval=0.01))
    job.job_type = TriggererJobRunner.job_type
    monitors.start(job)
    monitors._thread.join(60)
    assert not monitors._thread.is_alive()
