"""What people pick, learned in the executors of a cluster, beside one machine."""

import numpy as np
import pytest

import palate

pytest.importorskip("pyspark")

from palate._native import CancelToken
from palate.solvers import _eigenpairs
from palate.solvers.choice import _search
from palate.solvers.choice._low_rank import LowRankGraph
from palate.solvers.choice._people import LocalPeople
from palate.spark import _pieces, fit, recommend

# PySpark and its Arrow conversions warn of what they do themselves.
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module", autouse=True)
def few_passes():
    """Compute eigenvectors, in few passes: each takes a moment in the cluster.

    Tables come to the driver in some pieces.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_eigenpairs, "_ITERATIONS", 2)
        patch.setattr(_search, "_MAX_EXACT", 100)
        patch.setattr(_pieces, "_BYTES", 1 << 21)
        yield


@pytest.fixture(scope="module")
def events(frame, tmp_path_factory):
    """Return a model of events, and the folder that it was saved in."""
    output = tmp_path_factory.mktemp("events") / "model"
    return fit(frame.drop("rating"), rating=None, blocks=2, output=output), output


def test_events_give_the_model_of_one_machine_with_these_settings(events, ratings):
    model, choice = events[0], events[0].learned.choice
    table = palate.read_ratings(ratings.drop("rating"))
    here = palate.Choice().fit(table).learned.choice
    assert choice.settings == here.settings
    assert choice.chance.slope == pytest.approx(here.chance.slope, rel=1e-3)
    histories = LocalPeople(table).histories(choice.weighting)
    graph = LowRankGraph(histories, 1, CancelToken(), seed=0)
    expected = graph.precision(choice.settings["ridge"]).weights()
    np.testing.assert_allclose(choice.popularity, graph.popularity, rtol=1e-6)
    np.testing.assert_array_equal(choice.weights.starts, expected.starts)
    np.testing.assert_array_equal(choice.weights.neighbours, expected.neighbours)
    theirs = expected.scores(histories.by_user, 1)
    ours = choice.weights.scores(histories.by_user, 1)
    np.testing.assert_allclose(ours, theirs, atol=1e-4 * np.abs(theirs).max())
    assert model.learned.kind == "events"
    assert model.learned.item_counts.sum() == len(table)
    assert choice.chance is not None


def test_the_folder_of_events_is_that_of_any_model(events, frame):
    back = palate.load(events[1])
    assert back.fit.source == "Spark DataFrame: user, item"
    assert back.profile([50, 100]).recommend(3).height == 3
    assert recommend(back, frame.drop("rating"), 2).filter("user = 196").count() == 2


def test_ratings_need_no_solver_of_events_and_events_none_of_ratings(frame):
    with pytest.raises(palate.DataError, match="these are events, not ratings: Gibbs"):
        fit(frame, rating=None, solver=palate.Gibbs())
    with pytest.raises(palate.DataError, match="no column 'rating'; it has 'user', 'item'"):
        fit(frame.drop("rating"))
