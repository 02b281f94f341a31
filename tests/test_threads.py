"""The number of threads: what was asked for, or what the process may use."""

from palate import _threads


def test_threads_respect_the_quota_of_a_container(tmp_path, monkeypatch):
    quota = tmp_path / "cpu.max"
    monkeypatch.setattr(_threads, "_CGROUP_QUOTA", quota)
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(8)), raising=False)
    for text, expected in (("max 100000", 8), ("250000 100000", 2), ("50000 100000", 1)):
        quota.write_text(text)
        assert _threads.thread_count(None) == expected
    quota.unlink()
    assert _threads.thread_count(None) == 8
    assert _threads.thread_count(3) == 3
