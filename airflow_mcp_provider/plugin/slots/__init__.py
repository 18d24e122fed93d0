"""The slots of executors: their number, and their fair distribution among runs.

Runs in the scheduler. Its entry point is ``install.py``, called by ``McpPlugin.on_load``.
"""
