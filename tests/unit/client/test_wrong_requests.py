"""What a client refuses before a request, and what it does not take for success."""

import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from airflow_mcp_provider.client import JobClient
from airflow_mcp_provider.client.streams import RunEvents, logs
from airflow_mcp_provider.errors import InvalidRequest, RequestFailed

NOWHERE = "http://127.0.0.1:9"


@pytest.fixture
def nowhere():
    """A client whose requests would fail: what is refused is not sent."""
    with JobClient(NOWHERE, token="anna", patience=0) as client:
        yield client


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
def test_a_number_that_json_does_not_have_is_not_sent_as_null(nowhere, number):
    with pytest.raises(InvalidRequest, match="expected JSON"):
        nowhere.submit("crawl", {"deep": [{"x": number}]})


@pytest.mark.parametrize(
    ("call", "wrong"),
    [
        (lambda client: client.submit("crawl", priority=5000), "priority"),
        (lambda client: client.submit("crawl", key=""), "key"),
        (lambda client: client.cancel("crawl", "r", grace=100_000), "grace"),
        (lambda client: client.set_parallelism("crawl", "r", 0), "parallelism"),
        (lambda client: client.run("crawl", "r/events"), "invalid id 'r/events'"),
        (lambda client: client.pause("crawl/runs/r"), "invalid id 'crawl/runs/r'"),
    ],
)
def test_a_value_that_the_server_would_refuse(nowhere, call, wrong):
    with pytest.raises(InvalidRequest, match=wrong):
        call(nowhere)


@pytest.mark.parametrize("token", ["secret\r", "secret\n", "s\u00e9cret", "sec\0ret"])
def test_a_token_that_cannot_be_sent_is_not_in_the_error(token):
    with pytest.raises(InvalidRequest) as raised:
        JobClient(NOWHERE, token=token)
    assert "ecret" not in str(raised.value)


def test_a_password_of_a_url_is_not_in_the_error():
    with pytest.raises(InvalidRequest, match="a user or a password") as raised:
        JobClient("http://anna:pa55@example.org")
    assert "pa55" not in str(raised.value)


@pytest.mark.parametrize("url", ["example.org", "ftp://example.org", "http://[::1", "http://", ""])
def test_a_url_that_is_none(url):
    with pytest.raises(InvalidRequest, match="invalid URL"):
        JobClient(url)


class Redirects(BaseHTTPRequestHandler):
    def do_POST(self):
        self.send_response(302)
        self.send_header("Location", "https://example.org/")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def redirecting():
    server = HTTPServer(("127.0.0.1", 0), Redirects)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with JobClient(f"http://127.0.0.1:{server.server_port}", token="anna", patience=0) as client:
        yield client
    server.shutdown()
    server.server_close()


def test_a_redirect_is_no_success(redirecting):
    with pytest.raises(RequestFailed, match="redirects") as raised:
        redirecting.pause("crawl")
    assert raised.value.status == 302


@pytest.mark.parametrize("stream", [logs("crawl", "r"), RunEvents("/")])
def test_a_line_that_the_server_should_not_send(stream):
    with pytest.raises(RequestFailed, match="unexpected line"):
        stream.take('{"key": 5}')


def test_a_line_of_a_log():
    line = f'{{"task": "run", "map_index": 1, "attempt": 1, "timestamp": "{datetime.now(UTC).isoformat()}"}}'
    assert logs("crawl", "r").take(line).task == "run"
