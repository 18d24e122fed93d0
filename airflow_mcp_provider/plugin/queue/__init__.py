"""Which run of a job may start, and when: one at a time.

Runs in the scheduler, and where runs are ended from outside in the API server, too; its door is ``plugin.listener``.
"""
