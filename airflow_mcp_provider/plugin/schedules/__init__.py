"""Runs that Airflow's scheduler creates: their conf, their jitter, and which of the missed dates get a run.

Runs in the scheduler. A timetable only has the dates; what depends on the queue of a job is here.
"""
