"""The end of the API server."""

import asyncio
import os
import signal

from airflow_mcp_provider.plugin.http_api.shutdown import on_sigterm


def test_sigterm_is_handled_here_and_by_the_server():
    seen = []

    async def main():
        with on_sigterm(lambda: seen.append("streams")):
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.sleep(0.1)

    before = signal.signal(signal.SIGTERM, lambda *_: seen.append("server"))
    try:
        asyncio.run(main())
        assert signal.getsignal(signal.SIGTERM)(0, None) is None
    finally:
        signal.signal(signal.SIGTERM, before)
    assert sorted(seen) == ["server", "server", "streams"]
