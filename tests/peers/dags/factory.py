"""The same as dag-factory has it, as an Airflow DAG."""

from pathlib import Path

from dagfactory import load_yaml_dags

load_yaml_dags(globals_dict=globals(), config_filepath=str(Path(__file__).parent / "factory" / "words.yaml"))
