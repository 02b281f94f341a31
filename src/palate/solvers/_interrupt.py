"""Ctrl-C during a fit: kernels stop at once, and what was learned so far is kept."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from palate._native import CancelToken, InterruptWatch


@contextmanager
def interruptible() -> Iterator[CancelToken]:
    """Yield a token that Ctrl-C cancels; it does not raise KeyboardInterrupt in this block.

    A second Ctrl-C does. In a thread other than the main one, Ctrl-C ends the fit as well, beside
    the KeyboardInterrupt that Python raises in the main thread. If the application handles SIGINT
    itself, or ignores it, fits are not interrupted.
    """
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield CancelToken()
    elif threading.current_thread() is not threading.main_thread():
        with InterruptWatch():
            yield CancelToken()
    else:
        with _first_interrupt_deferred() as token:
            yield token


@contextmanager
def _first_interrupt_deferred() -> Iterator[CancelToken]:
    token, pressed = CancelToken(), False

    def handle(number: int, frame: Any) -> None:
        nonlocal pressed
        if pressed:
            raise KeyboardInterrupt
        pressed = True
        token.cancel()  # also where there is no InterruptWatch

    signal.signal(signal.SIGINT, handle)
    try:
        with InterruptWatch():
            yield token
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def deadline(seconds: float) -> CancelToken:
    """Return a token that is cancelled after some seconds, or by a further Ctrl-C."""
    token = CancelToken()
    timer = threading.Timer(seconds, token.cancel)
    timer.daemon = True
    timer.start()
    return token
