"""Timetables of schedules with dates. Loaded in the DAG processor, the scheduler and the API server; never in a runner.

Airflow's own do not fit: those for cron leave out dates in the hour that a clock repeats, one for a duration has no
anchor, and the first and the last date are ``start_date`` and ``end_date`` of the DAG, which bind submitted runs, too.
Airflow stores a timetable with its import path. Renaming a class here changes the version of each scheduled DAG.
"""

from __future__ import annotations

from airflow_mcp_provider.timetable.at import AtTimetable
from airflow_mcp_provider.timetable.base import EPOCH
from airflow_mcp_provider.timetable.cron import CronTimetable
from airflow_mcp_provider.timetable.every import EveryTimetable

__all__ = ["EPOCH", "AtTimetable", "CronTimetable", "EveryTimetable"]
