"""Changing the model in a folder: nothing is lost when several processes do so at once."""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import palate
from palate.learned import _load


@pytest.fixture
def folder(small, tmp_path):
    palate.OneCycle(factors=2, epochs=1).fit(small).save(tmp_path / "m")
    return tmp_path / "m"


def content(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.skipif(os.name != "posix", reason="needs locks of folders: run it on Unix")
def test_processes_at_once_lose_nothing_and_leave_nothing_behind():
    """The same with more changes: python tests/model/concurrent_use.py 1000."""
    script = Path(__file__).with_name("concurrent_use.py")
    done = subprocess.run(
        [sys.executable, script, "100"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("100 saves, updates and people forgotten")


def test_a_change_is_saved_and_returned(folder):
    left = palate.modify(folder, lambda model: model.forget("bob"))
    assert left.users["id"].to_list() == ["ann", "cat", "dan", "eve"]
    assert palate.load(folder).users.equals(left.users)


def test_a_change_that_fails_or_changes_nothing_leaves_the_files(small, folder):
    before = content(folder)
    inodes = {path.stat().st_ino for path in folder.iterdir()}
    palate.modify(folder, lambda model: model)
    with pytest.raises(palate.UnknownIdError):
        palate.modify(folder, lambda model: model.forget("zoe"))
    with pytest.raises(palate.SettingError, match=r"type Update, not a model; .*\(ratings\).model"):
        palate.modify(folder, lambda model: model.update(small))
    assert content(folder) == before
    assert {path.stat().st_ino for path in folder.iterdir()} == inodes


def test_who_loads_does_not_wait_for_a_change(folder):
    entered, leave = threading.Event(), threading.Event()

    def slow(model):
        entered.set()
        assert leave.wait(20)
        return model.forget("bob")

    thread = threading.Thread(target=palate.modify, args=(folder, slow))
    thread.start()
    assert entered.wait(20)
    try:
        assert palate.load(folder).users.height == 5
    finally:
        leave.set()
        thread.join()
    assert palate.load(folder).users.height == 4


def test_who_loads_is_not_outrun_by_those_who_save(small, folder, monkeypatch):
    """Whenever the files of a model are about to be read, they are replaced by others."""
    others = [palate.OneCycle(factors=k, epochs=1).fit(small) for k in (3, 4)]
    read, saves = _load.learned_from, []

    def outrun(*arguments):
        if len(saves) < _load._MAX_ATTEMPTS:
            saves.append(others[len(saves) % 2])
            saves[-1].save(folder)
        return read(*arguments)

    monkeypatch.setattr(_load, "learned_from", outrun)
    assert palate.load(folder).factors == saves[-1].factors
    assert len(saves) == _load._MAX_ATTEMPTS


def test_without_locks_a_change_that_comes_too_late_is_refused(folder):
    """As on a network file system: here the other one does not ask for the lock."""

    def meanwhile(model):
        description = json.loads((folder / "palate.json").read_text())
        (folder / "palate.json").write_text(json.dumps(description | {"source": "another"}))
        return model.forget("bob")

    with pytest.raises(palate.ModelFileError, match="another program has replaced the model"):
        palate.modify(folder, meanwhile)
    assert palate.load(folder).users.height == 5


def test_a_folder_without_a_model_is_refused(tmp_path):
    for place in (tmp_path, tmp_path / "nothing"):
        with pytest.raises(palate.ModelFileError, match="there is no model"):
            palate.modify(place, lambda model: model)
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_model_is_said_and_the_lock_is_free_again(folder):
    file = next(folder.glob("arrays.*"))
    good = file.read_bytes()
    file.write_bytes(good[:-1])
    with pytest.raises(palate.ModelFileError, match=r"checksum|changed|damaged"):
        palate.modify(folder, lambda model: model.forget("bob"))
    file.write_bytes(good)
    assert palate.modify(folder, lambda model: model.forget("bob")).users.height == 4
