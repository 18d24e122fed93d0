"""Notes whether the DAG processor had imported the factory before it forked the process that parses this DAG file."""

import sys
from pathlib import Path

Path(__file__).with_suffix(".txt").write_text(str("airflow_mcp_provider.factory" in sys.modules))
