"""Tools for agents that speak the Model Context Protocol: submit runs of jobs, watch and cancel them.

Runs in the API server (streamable HTTP at ``/job-control/v1/agents``) and in a shell (``airflow mcp agents``, stdio).
Each tool sends requests to the HTTP API with the credentials of its caller, so its rights are those of the caller. The
modules ``server``, ``stdio`` and ``streamable_http`` need the extra ``[agents]``; the others do not import the SDK.
"""
