"""``airflow`` with the arguments after the first two, which are files: it is ready, and it may go on.

Airflow needs seconds to start; with these files several shells and a client can begin at the same instant.
"""

import sys
import time
from pathlib import Path

from airflow.__main__ import main
from airflow.models.dagrun import DagRun  # noqa: F401 - what the command needs, before it begins

ready, go = map(Path, sys.argv[1:3])
del sys.argv[1:3]
ready.touch()
while not go.exists():
    time.sleep(0.02)
main()
