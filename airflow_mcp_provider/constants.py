"""Names and versions that several places share. Imports nothing: Airflow loads it with each of its commands."""

AIRFLOW_VERSION = (3, 3)
"""The one minor version of Airflow that this package works with: its private parts were looked at."""
BACKEND = "airflow_mcp_provider.plugin.growth.backend.GrowthBackend"
"""What ``[state_store] backend`` has to be."""
MARKER_KEY = "mcp"
"""The key in a DAG's ``default_args`` of a job's marker (``spec.marker``): a DAG with it is a job."""
SPEC_KEY = "mcp_spec"
"""The key, likewise, of the spec's text (``spec.version``): a runner builds its tasks from it after an edit."""
JOB_TAG = "mcp"
"""On every job's DAG: how people filter them, and how one query finds what may be a job."""

NEW_RUNS = "mcp new runs"
"""The key in SQLAlchemy's ``Session.info`` of the runs that a transaction creates, and that were not accepted yet."""
REFUSED_BACKFILL = "mcp refused backfill"
"""The key, likewise, of the id of the backfill whose runs were refused."""
GIVE_BACK = "mcp.give_back"
"""The key in the scope of a request of a function that gives back its place in the API server."""
API_SERVER = "mcp.api_server"
"""The key, likewise, of the API server as an ASGI application, for requests of this process to itself."""
MOST_STREAMS = 1000
"""The largest number of open streams of the HTTP API in one API server."""
