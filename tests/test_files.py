"""Atomic file writing: complete content or none, also after failures and with several writers."""

import os
import stat
import threading
from pathlib import Path

import pytest

from palate import _files


def test_the_content_is_replaced(tmp_path):
    path = tmp_path / "file"
    for content in (b"old", b"new", b""):
        _files.replace_file(path, content)
        assert path.read_bytes() == content
        assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("failing", ["fsync", "replace"])
@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_after_a_failure_the_old_file_remains_and_nothing_else(
    tmp_path, monkeypatch, failing, error
):
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def fail(*_):
        raise error

    monkeypatch.setattr(os, failing, fail)
    with pytest.raises(type(error)):
        _files.replace_file(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_concurrent_writers_do_not_disturb_each_other(tmp_path):
    path = tmp_path / "file"
    contents = [bytes([value]) * 100_000 for value in range(4)]
    failures = []

    def write(content):
        try:
            for _ in range(20):
                _files.replace_file(path, content)
                assert path.read_bytes() in contents
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=write, args=(content,)) for content in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(os.name != "posix", reason="folders can only be synchronised on POSIX")
def test_the_data_reach_the_disk_before_the_name_and_the_name_before_the_return(
    tmp_path, monkeypatch
):
    path, steps = tmp_path / "file", []
    path.write_bytes(b"old")
    fsync, replace = os.fsync, os.replace

    def recorded_fsync(descriptor):
        is_folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        (written,) = (p.read_bytes() for p in tmp_path.iterdir() if p != path or is_folder)
        steps.append(("sync folder" if is_folder else "sync file", written))
        fsync(descriptor)

    def recorded_replace(source, target):
        assert _files.TEMPORARY.fullmatch(Path(source).name)
        steps.append(("replace", path.read_bytes()))
        replace(source, target)

    monkeypatch.setattr(os, "fsync", recorded_fsync)
    monkeypatch.setattr(os, "replace", recorded_replace)
    _files.replace_file(path, b"new")
    assert steps == [("sync file", b"new"), ("replace", b"old"), ("sync folder", b"new")]


@pytest.mark.skipif(os.name != "posix", reason="permissions are those of POSIX")
@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o077, 0o600)])
def test_permissions_follow_the_umask(tmp_path, umask, mode):
    before = os.umask(umask)
    try:
        _files.replace_file(tmp_path / "file", b"")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == mode


def test_the_longest_possible_name_can_be_written(tmp_path):
    path = tmp_path / ("x" * 255)
    _files.replace_file(path, b"new")
    assert path.read_bytes() == b"new"


def test_whether_a_folder_can_be_written_to_is_tried(tmp_path):
    _files.require_writable(tmp_path)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "none", tmp_path / "file"):
        with pytest.raises(OSError, match=r"No such file|Not a directory"):
            _files.require_writable(place)


@pytest.mark.skipif(os.name != "posix", reason="there are no locks of folders")
def test_a_lock_is_held_by_one_or_shared_by_several(tmp_path):
    entered = []

    def enter(name, **options):
        with _files.locked(tmp_path, **options):
            entered.append(name)

    waits = threading.Event()
    with _files.locked(tmp_path, shared=True):
        enter("shared", shared=True)
        waiting = threading.Thread(target=enter, args=("alone",), kwargs={"waiting": waits.set})
        waiting.start()
        assert waits.wait(20)
        assert entered == ["shared"]
    waiting.join()
    assert entered == ["shared", "alone"]
