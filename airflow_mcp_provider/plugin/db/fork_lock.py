"""A lock against forks: executors fork the scheduler's process, our threads work in it.

A child that is forked while a thread holds some lock (of a connection pool, of the log) would wait for it in vain. So
the threads work while they hold this one, and no fork happens then.
"""

from __future__ import annotations

import os
import threading

undivided = threading.Lock()
os.register_at_fork(before=undivided.acquire, after_in_parent=undivided.release, after_in_child=undivided.release)
