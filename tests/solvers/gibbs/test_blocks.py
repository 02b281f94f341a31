"""A chain whose users are in several blocks, and one that goes on where another has stopped."""

import numpy as np
import pytest
from several_blocks import SeveralBlocks

import palate
from palate.solvers.gibbs._people import LocalPeople
from palate.solvers.gibbs._row_block import Runtime
from palate.solvers.gibbs._state import restore, state_of

SOLVER = palate.Gibbs(factors=8, sweeps=16, burn_in=4)


@pytest.fixture(scope="module")
def ratings(ml100k):
    """Return ratings of which nothing else is known."""
    return palate.read_ratings(ml100k.take(np.arange(20_000)).frame().drop("timestamp"))


def sampled(people, sweeps=16):
    chain = SOLVER.chain(people)
    for sweep in range(sweeps):
        chain.sweep(sweep)
    return chain


@pytest.mark.parametrize("n", [2, 5])
def test_users_in_several_blocks_are_sampled_like_in_one(ratings, n):
    """Up to rounding errors: each row has its own random numbers, and the rest are sums."""
    one, many = LocalPeople(ratings, 0, Runtime(2)), SeveralBlocks(ratings, 0, n)
    chains = [sampled(people) for people in (one, many)]
    for name in ("train_rmse", "noise_sd"):
        ours, theirs = ([row[name] for row in chain.history] for chain in chains)
        assert ours == pytest.approx(theirs, rel=1e-5)
    np.testing.assert_allclose(one.block.rows, many.of_all("rows"), atol=2e-3)
    ours, theirs = (chain.calibrated().parameters for chain in chains)
    np.testing.assert_allclose(ours.item_table, theirs.item_table, atol=2e-3)
    assert ours.likelihood.noise_sd == pytest.approx(theirs.likelihood.noise_sd, rel=1e-4)
    np.testing.assert_allclose(one.block.table, many.of_all("table"), atol=5e-3)
    np.testing.assert_allclose(one.block.variance, many.of_all("variance"), rtol=2e-3)


def test_a_chain_goes_on_from_its_state(ratings):
    """To the same bits as one that has never stopped."""
    whole, stopped = (LocalPeople(ratings, 0, Runtime(2)) for _ in range(2))
    expected, state = sampled(whole), state_of(sampled(stopped, 9))
    people = LocalPeople(ratings, 0, Runtime(2))
    chain = SOLVER.chain(people)
    restore(chain, {name: array.copy() for name, array in state.items()})
    for name in ("rows", "squares", "precisions", "sketch", "bias_sums", "axes"):
        setattr(people.block, name, getattr(stopped.block, name))
    for sweep in range(9, 16):
        chain.sweep(sweep)
    assert chain.history[-1]["train_rmse"] == expected.history[-1]["train_rmse"]
    ours, theirs = (c.calibrated().parameters for c in (chain, expected))
    np.testing.assert_array_equal(ours.item_table, theirs.item_table)
    np.testing.assert_array_equal(
        ours.item_posterior.covariances.values, theirs.item_posterior.covariances.values
    )
