"""Properties that are computed once."""

import pickle
import threading
from concurrent.futures import ThreadPoolExecutor

from palate._computed_once import computed_once


class Table:
    def __init__(self):
        self.started, self.times = threading.Barrier(4), 0

    @computed_once
    def rows(self):
        """The rows."""
        self.times += 1
        threading.Event().wait(0.05)  # so that the others ask in the meantime
        return [1, 2]

    def ask(self, _):
        self.started.wait()
        return self.rows


def test_threads_that_ask_at_once_share_one_computation():
    table = Table()
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(table.ask, range(4)))
    assert table.times == 1
    assert all(answer is table.rows for answer in answers)


class Pair:
    both = threading.Barrier(2)

    @computed_once
    def met(self):
        """Whether another object computes at the same time."""
        self.both.wait(10)
        return True


def test_objects_do_not_wait_for_each_other():
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(lambda pair: pair.met, (Pair(), Pair()))) == [True, True]


class Number:
    @computed_once
    def double(self):
        """Twice two."""
        return 4


def test_it_is_kept_with_the_object_and_documented_on_the_class():
    number = Number()
    assert number.double == 4
    assert pickle.loads(pickle.dumps(number)).__dict__ == {"double": 4}
    assert Number.double.__doc__ == "Twice two."
