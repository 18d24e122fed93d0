"""Who gets a free slot of an executor, and how many there are.

Runs in the scheduler; its door is ``install.py``, called by ``McpPlugin.on_load``.
"""
