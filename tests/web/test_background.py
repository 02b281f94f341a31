"""Work in the background: a process that fails leaves a sentence."""

import time

from palate.web import _compare_responses as res
from palate.web._background import Background, output_of


def test_a_process_that_fails_is_said(capfd):
    pending, failed = res.Accuracy(scores=None), []

    def compute() -> res.Accuracy:
        return res.Accuracy.model_validate_json(output_of("palate.web._no_such_module"))

    def unavailable(reason: str) -> res.Accuracy:
        failed.append(reason)
        return res.Accuracy(scores=None, why_not=reason)

    work = Background(compute, pending, unavailable)
    assert work.result() is pending
    deadline = time.monotonic() + 60
    while (found := work.result()) is pending:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert found.why_not == failed[0]
    assert "has failed with status 1; see what the service has written to stderr" in failed[0]
    assert "_no_such_module" in capfd.readouterr().err
