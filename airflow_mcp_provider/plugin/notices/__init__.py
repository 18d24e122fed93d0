"""Requests that the DAG processor calls the notifiers of a job, where a run ends without its report.

Runs in the scheduler and in the API server, in the transaction that ends the run: there is exactly one request for it.
The DAG processor removes a request when it takes it (``factory.notifications`` is what it calls).
"""
