"""Work in the background: a process that fails leaves a sentence."""

import time

from palate.web import _compare_responses as res
from palate.web._background import Background, output_of


def test_a_process_that_fails_is_said(capfd):
    def compute() -> res.Accuracy:
        return res.Accuracy.model_validate_json(output_of("palate.web._no_such_module"))

    def unavailable(reason: str) -> res.Accuracy:
        return res.Accuracy(scores=None, why_not=reason)

    work = Background(compute, unavailable, res.Accuracy)
    assert work.result() is None
    work.start()
    deadline = time.monotonic() + 60
    while (found := work.result()) is None:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert "has failed with status 1; see what the service has written to stderr" in found.why_not
    assert "_no_such_module" in capfd.readouterr().err
