"""The random stream: the published answers, the twin, and the first numbers pinned."""

import numpy as np
import pytest
import twins
from hypothesis import given
from hypothesis import strategies as st

from palate import _native

integer = st.integers(0, 2**32 - 1)


@pytest.mark.parametrize(
    ("counter", "key", "expected"),
    [
        ([0] * 4, [0] * 2, [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]),
        (
            [0xFFFFFFFF] * 4,
            [0xFFFFFFFF] * 2,
            [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD],
        ),
        (
            [0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344],
            [0xA4093822, 0x299F31D0],
            [0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1],
        ),
    ],
)
def test_philox_gives_the_published_answers(counter, key, expected):
    """The known answers that the authors of Philox distribute with Random123."""
    assert list(_native.philox(counter, key)) == expected


@given(st.tuples(integer, integer, integer, integer), st.tuples(integer, integer))
def test_philox_equals_its_twin(counter, key):
    assert list(_native.philox(counter, key)) == twins.philox(counter, key)


@given(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1), st.integers(0, 9))
def test_normals_equal_their_twin(seed, stream, n):
    np.testing.assert_allclose(
        _native.normals(seed, stream, n), twins.normals(seed, stream, n), rtol=1e-6, atol=1e-7
    )


def test_the_first_normals_are_pinned():
    """A model's seed means the same in every release."""
    expected = [-0.12151798, -1.3500327, -0.081874207, -0.22270906]
    np.testing.assert_allclose(_native.normals(0, 0, 4), expected, rtol=1e-6)


def test_normals_are_normal():
    """Moments of 100,000 numbers within five standard errors of those of N(0, 1)."""
    x = _native.normals(1, 2, 100_000).astype(np.float64)
    for power, moment, spread in ((1, 0, 1), (2, 1, 2), (3, 0, 15), (4, 3, 96)):
        assert abs(np.mean(x**power) - moment) < 5 * np.sqrt(spread / len(x))


@given(st.integers(0, 2**64 - 1), st.integers(0, 40))
def test_permutation_equals_its_twin(seed, n):
    np.testing.assert_array_equal(_native.permutation(seed, 7, n), twins.permutation(seed, 7, n))


def test_permutations_are_uniform():
    """Each of the six orders of three things comes 1,000 times in 6,000, by chi squared."""
    orders = [tuple(_native.permutation(seed, 0, 3)) for seed in range(6000)]
    counts = np.array([orders.count(order) for order in set(orders)])
    assert len(counts) == 6
    assert ((counts - 1000) ** 2 / 1000).sum() < 20.5  # five degrees of freedom, p = 0.001
