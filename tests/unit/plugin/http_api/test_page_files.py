"""The files of the pages over HTTP: for users who are logged in, and never an older copy than the server's."""

import pytest

from airflow_mcp_provider.plugin.pages import files


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("jobs.js", "text/javascript; charset=utf-8"),
        ("lib/react.js", "text/javascript; charset=utf-8"),
        ("jobs.svg", "image/svg+xml"),
    ],
)
def test_a_file(http, name, media_type):
    answer = http.get(f"/pages/{name}", headers={"x-role": "viewer"})
    assert answer.status_code == 200
    assert answer.content == (files.STATIC / name).read_bytes()
    assert answer.headers["content-type"] == media_type
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_copy_that_is_current_is_not_sent_again(http):
    etag = http.get("/pages/jobs.js").headers["etag"]
    for sent in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        answer = http.get("/pages/jobs.js", headers={"If-None-Match": sent})
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", etag)
    assert http.get("/pages/jobs.js", headers={"If-None-Match": '"other"'}).status_code == 200


def test_the_etag_is_that_of_the_content(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "STATIC", tmp_path)
    path = tmp_path / "a.js"
    path.write_text("1")
    files._names.cache_clear()
    first = files.find("a.js")
    path.write_text("2")
    assert files.find("a.js").etag != first.etag
    files._names.cache_clear()


@pytest.mark.parametrize(
    "path",
    [
        "",
        "lib",
        "lib/",
        "none.js",
        "../files.py",
        "%2E%2E/files.py",
        "lib/%2E%2E/%2E%2E/entries.py",
        "//etc/passwd",
        "%2Fetc%2Fpasswd",
    ],
)
def test_nothing_else_is_served(http, path):
    answer = http.get(f"/pages/{path}")
    assert answer.status_code == 404
    assert answer.json()["type"] == "urn:airflow-mcp:not_found"


def test_without_a_user(http):
    del http.headers["x-user"]
    assert http.get("/pages/jobs.js").status_code == 401
