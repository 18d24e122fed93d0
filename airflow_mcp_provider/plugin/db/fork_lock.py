"""A lock that prevents forks: executors fork the scheduler's process, in which our threads run.

A child that is forked while a thread holds a lock (of a connection pool, of logging) would wait for it for ever. So the
threads hold this lock while they work, and a fork waits for it.
"""

from __future__ import annotations

import os
import threading

no_fork = threading.Lock()
os.register_at_fork(before=no_fork.acquire, after_in_parent=no_fork.release, after_in_child=no_fork.release)
