"""Images made without an engine are what engines make."""

import hashlib
import json
import os
import subprocess
import tarfile
from pathlib import Path

import pytest

from tests.kubernetes.cluster import images
from tests.kubernetes.cluster.images import Image, archive, libraries, made
from tests.kubernetes.cluster.packages import program

LONG_AGO = 1_000_000_000


@pytest.fixture
def tree(tmp_path):
    folder = tmp_path / "tree"
    (folder / "tests").mkdir(parents=True)
    for name in ("code.py", "tests/test_code.py", "config-3.11"):
        (folder / name).write_text(name)
        os.utime(folder / name, (LONG_AGO, LONG_AGO))
    (folder / "link").symlink_to("code.py")
    os.chown(folder / "code.py", 1234, 1234)
    return folder


def members(path):
    with tarfile.open(path) as tar:
        return {member.name: member for member in tar.getmembers()}


def test_a_layer_keeps_times_and_links_and_belongs_to_root(tree, tmp_path):
    copied = members(made(tmp_path / "layer.tar", lambda new: new.copy(tree, "/opt/tree")))
    assert copied["opt/tree/code.py"].mtime == LONG_AGO
    assert (copied["opt/tree/code.py"].uid, copied["opt/tree/code.py"].gid) == (0, 0)
    assert copied["opt/tree/link"].linkname == "code.py"
    assert "opt/tree/tests/test_code.py" in copied


def test_a_layer_leaves_out_what_it_is_told(tree, tmp_path):
    copied = members(made(tmp_path / "layer.tar", lambda new: new.copy(tree, "/opt", ("tests", "config-*"))))
    assert set(copied) == {"opt", "opt/code.py", "opt/link"}


def test_a_layer_is_given_folders_texts_and_links(tmp_path):
    def fill(new):
        new.folder("/home", 0o775, 50000)
        new.text("/run.sh", "#!/bin/sh\n", 0o755)
        new.link("/sh", "bin/sh")

    added = members(made(tmp_path / "layer.tar", fill))
    assert (added["home"].isdir(), added["home"].mode, added["home"].uid) == (True, 0o775, 50000)
    assert (added["run.sh"].mode, added["run.sh"].size) == (0o755, 10)
    assert added["sh"].linkname == "bin/sh"


def test_an_archive_names_its_images_and_has_each_layer_once(tree, tmp_path):
    both = made(tmp_path / "both.tar", lambda new: new.copy(tree, "/opt"))
    own = made(tmp_path / "own.tar", lambda new: new.text("/own", "own"))
    env = {"PATH": "/bin"}
    out = tmp_path / "out.tar"
    archive(out, Image("localhost/one:1", [both], ("sh",), env, "50000"), Image("localhost/two:1", [both, own]))

    with tarfile.open(out) as tar:
        files = {member.name: tar.extractfile(member).read() for member in tar.getmembers()}
    one, two = json.loads(files["manifest.json"])
    assert (one["RepoTags"], two["RepoTags"]) == (["localhost/one:1"], ["localhost/two:1"])
    assert one["Layers"] == two["Layers"][:1]
    assert len(files) == 5  # manifest, two settings, two layers
    for image in (one, two):
        layers = [f"sha256:{hashlib.sha256(files[name]).hexdigest()}" for name in image["Layers"]]
        assert json.loads(files[image["Config"]])["rootfs"]["diff_ids"] == layers
    assert json.loads(files[one["Config"]])["config"] == {
        "Cmd": ["sh"],
        "Env": ["PATH=/bin"],
        "User": "50000",
        "WorkingDir": "/",
    }


@pytest.mark.skipif(os.geteuid() != 0, reason="chroot needs root")
def test_a_program_runs_where_nothing_is_but_its_layer(tmp_path):
    bash = Path(program("bash"))
    assert libraries([bash])
    root = tmp_path / "root"
    with tarfile.open(made(tmp_path / "layer.tar", lambda new: new.programs([bash]))) as tar:
        tar.extractall(root, filter="fully_trusted")  # noqa: S202 - our own
    done = subprocess.run(
        [program("chroot"), root, bash, "-c", "echo $((6 * 7))"], capture_output=True, text=True, check=True
    )
    assert done.stdout == "42\n"


def test_libraries_of_a_tree_are_not_copied_twice(tmp_path):
    bash = Path(program("bash"))
    needed = sorted(libraries([bash]))
    layer = members(made(tmp_path / "layer.tar", lambda new: new.programs([], needed_by=[bash, needed[0]])))
    assert str(needed[0]).lstrip("/") not in layer
    assert str(needed[1]).lstrip("/") in layer


def test_the_small_images_have_a_shell_and_a_sleep(tmp_path):
    images.small(tmp_path / "small.tar")
    files = members(tmp_path / "small.tar")
    assert sum(name.endswith(".tar") for name in files) == 1
