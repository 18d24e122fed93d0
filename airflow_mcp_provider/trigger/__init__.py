"""Check for pending work in Airflow's triggerer: ``schedule.watch`` of a job. Imports nothing by itself."""
