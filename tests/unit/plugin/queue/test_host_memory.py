"""How much memory is available, on a host and in a container."""

import psutil
import pytest

from airflow_mcp_provider.plugin.queue.host_memory import MEBIBYTE, available, too_little

STAT = (
    "anon 5242880\nfile 31457280\ninactive_anon 0\nactive_anon 5242880\ninactive_file 20971520\nactive_file 10485760\n"
)
"""20 MiB of files that were not used lately."""


@pytest.fixture
def cgroup(tmp_path):
    def write(limit, used, stat=STAT):
        for name, value in (("max", limit), ("current", used), ("stat", stat)):
            (tmp_path / f"memory.{name}").write_text(f"{value}\n")
        return tmp_path

    return write


def test_a_container_has_its_limit_without_what_it_uses(cgroup):
    assert available(cgroup(64 * MEBIBYTE, 40 * MEBIBYTE)) == (64 - (40 - 20)) * MEBIBYTE


def test_a_container_that_is_full_has_nothing(cgroup):
    assert available(cgroup(64 * MEBIBYTE, 200 * MEBIBYTE)) == 0


def test_more_of_the_page_cache_than_is_used_adds_nothing(cgroup):
    assert available(cgroup(64 * MEBIBYTE, 10 * MEBIBYTE)) == 64 * MEBIBYTE


def test_without_the_line_all_usage_counts(cgroup):
    assert available(cgroup(64 * MEBIBYTE, 40 * MEBIBYTE, "anon 5")) == 24 * MEBIBYTE


@pytest.mark.parametrize("limit", ["max", 1 << 60])
def test_no_limit_or_a_larger_one_is_that_of_the_host(cgroup, limit):
    found = available(cgroup(limit, 40 * MEBIBYTE))
    assert 0 < found <= psutil.virtual_memory().total


def test_a_host_without_such_files(tmp_path):
    assert 0 < available(tmp_path) <= psutil.virtual_memory().total


def test_the_reason_names_both(cgroup):
    folder = cgroup(64 * MEBIBYTE, 40 * MEBIBYTE)
    assert too_little(None, folder) is None
    assert too_little("44Mi", folder) is None
    assert too_little("45Mi", folder) == "44Mi of memory are available on the host, and queue.memory is 45Mi"
