"""What stands in front of the API server's application: it bounds the requests inside, and answers runners itself.

Registered by ``McpPlugin`` as a root middleware. A request that waits here holds neither a thread nor a connection.
"""
