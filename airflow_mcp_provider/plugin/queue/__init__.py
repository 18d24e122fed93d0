"""Which run of a job may start, and when: one at a time.

Runs in the scheduler; its door is ``plugin.listener``.
"""
