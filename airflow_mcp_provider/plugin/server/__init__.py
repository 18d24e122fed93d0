"""The middleware of the API server: it limits concurrent requests, and answers requests of runners itself.

Registered by ``McpPlugin`` as a root middleware. A request that waits here uses neither a thread nor a database
connection.
"""
