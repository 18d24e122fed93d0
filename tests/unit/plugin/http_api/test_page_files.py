"""The files of the pages over HTTP: for users who are logged in, and never an older copy than the server's."""

import pytest

from airflow_mcp_provider.plugin.pages import files


def address(name):
    return f"/pages/{files.address(name)}"


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("jobs.js", "text/javascript; charset=utf-8"),
        ("lib/react.js", "text/javascript; charset=utf-8"),
        ("jobs.svg", "image/svg+xml"),
    ],
)
def test_a_file(http, name, media_type):
    answer = http.get(address(name), headers={"x-role": "viewer"})
    assert answer.status_code == 200
    assert answer.content == (files.STATIC / name).read_bytes()
    assert answer.headers["content-type"] == media_type
    assert answer.headers["cache-control"] == "private, max-age=31536000, immutable"
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_copy_that_is_current_is_not_sent_again(http):
    etag = http.get(address("jobs.js")).headers["etag"]
    for sent in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        answer = http.get(address("jobs.js"), headers={"If-None-Match": sent})
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", etag)
    assert http.get(address("jobs.js"), headers={"If-None-Match": '"other"'}).status_code == 200


@pytest.fixture
def release(tmp_path, monkeypatch):
    """Write the files of a release, and start an API server with it."""

    def start(**modules):
        monkeypatch.setattr(files, "STATIC", tmp_path)
        for name, text in modules.items():
            (tmp_path / f"{name}.js").write_text(text)
        files._files.cache_clear()
        files.version.cache_clear()
        return files.version()

    yield start
    files._files.cache_clear()
    files.version.cache_clear()


def test_a_page_has_the_modules_of_one_release(http, release):
    """Modules of two releases do not fit: a browser that has some of the old ones gets none of the new ones."""
    old = release(page="1", lib="1")
    assert http.get(f"/pages/{old}/lib.js").text == "1"
    new = release(lib="2")
    assert new != old
    assert [http.get(f"/pages/{one}/{name}.js").status_code for one in (old, new) for name in ("page", "lib")] == [
        404,
        404,
        200,
        200,
    ]
    assert http.get(f"/pages/{new}/lib.js").text == "2"


def test_a_server_that_runs_keeps_the_files_of_its_start(http, release, tmp_path):
    old = release(lib="1")
    (tmp_path / "lib.js").write_text("2")
    assert http.get(f"/pages/{old}/lib.js").text == "1"


@pytest.mark.parametrize(
    "path",
    [
        "",
        "lib",
        "lib/",
        "none.js",
        "0/jobs.js",
        "/jobs.js",
        "jobs.js/",
        "jobs.js%00",
        "JOBS.JS",
        "../files.py",
        "%2E%2E/files.py",
        "lib/%2E%2E/%2E%2E/entries.py",
        "//etc/passwd",
        "%2Fetc%2Fpasswd",
    ],
)
def test_nothing_else_is_served(http, path):
    for found in (f"/pages/{path}", address(path)):
        answer = http.get(found)
        assert answer.status_code == 404
        assert answer.json()["type"] == "urn:airflow-mcp:not_found"


def test_without_a_user(http):
    del http.headers["x-user"]
    assert http.get(address("jobs.js")).status_code == 401
