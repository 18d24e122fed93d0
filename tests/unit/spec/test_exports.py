import subprocess
import sys

from airflow_mcp_provider import spec


def test_what_is_public_is_there_and_sorted():
    assert list(spec.__all__) == sorted(spec.__all__)
    assert all(hasattr(spec, name) for name in spec.__all__)


def test_reading_a_plain_job_imports_neither_airflow_nor_jsonschema():
    code = (
        "import sys; from airflow_mcp_provider.spec import parse_job;"
        "parse_job('plan: {items: [1]}\\nrun: {shell: x}', id='a');"
        "print({name.partition('.')[0] for name in sys.modules} & {'airflow', 'jsonschema', 'kubernetes', 'difflib'})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
