"""Progress that goes to no terminal, as in a log file."""

import pytest

import palate
from palate.cli import _progress


@pytest.fixture
def clock(monkeypatch):
    """Let time pass as in a list of moments, of which the first is the start."""

    def _clock(*moments):
        now = iter(moments)
        monkeypatch.setattr(_progress.time, "monotonic", lambda: next(now))

    return _clock


def test_progress_of_a_fit_is_a_line_every_ten_seconds(clock, capsys):
    clock(0.0, 4.0, 9.9, 10.0, 15.0, 20.5)
    row = {"noise_sd": 0.9, "train_rmse": 0.8, "valid_rmse": None, "seconds": 4.0}
    with _progress.progress_of_fit(palate.Gibbs()) as report:
        for sweep in range(5):
            report({"sweep": sweep} | row)
    assert capsys.readouterr().err.splitlines() == [
        "sweep 3/200  noise_sd 0.9000  train_rmse 0.8000  10 s  about 657 s left",
        "sweep 5/200  noise_sd 0.9000  train_rmse 0.8000  20 s  about 800 s left",
    ]


def test_progress_of_lists_counts_people(clock, capsys):
    clock(0.0, 5.0, 12.0, 13.0)
    with _progress.progress_of_lists(4000) as report:
        for done in (500, 1000, 4000):
            report(done)
    assert capsys.readouterr().err == "lists 1,000/4,000  12 s  about 36 s left\n"
