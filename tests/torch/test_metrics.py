"""Metrics with fastai's names, and the loss on classes."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="no PyTorch; pip install 'palate[torch]'")

import palate
from palate.torch import (
    CollabDataLoaders,
    CrossEntropyLossFlat,
    DotProductBias,
    Embedding,
    Learner,
    Module,
    accuracy,
    error_rate,
    mae,
    mse,
    rmse,
)


class Classes(Module):
    """A number for each of some classes; shape (n, classes)."""

    def __init__(self, dls, n=5):
        self.users, self.items = (Embedding(size, n) for size in dls.sizes)

    def forward(self, x):
        return self.users(x[:, 0]) + self.items(x[:, 1])


@pytest.fixture
def from_zero(small):
    """Return loaders with ratings of 0 to 4."""
    table = small.frame().to_pandas().assign(rating=lambda t: t["rating"] - 1)
    return CollabDataLoaders.from_df(table, bs=2, seed=0, device="cpu")


def test_errors_of_ratings():
    predictions, ratings = torch.tensor([1.0, 2, 3, 4]), torch.tensor([[1.0], [1], [5], [5]])
    assert float(mse(predictions, ratings)) == pytest.approx(6 / 4)
    assert float(rmse(predictions, ratings)) == pytest.approx(1.5**0.5)
    assert float(mae(predictions, ratings)) == pytest.approx(1)


def test_accuracy_of_classes():
    predictions = torch.tensor([[0.0, 1, 0], [2, 1, 0], [0, 0, 3], [1, 0, 0]])
    classes = torch.tensor([1.0, 1, 2, 0])
    assert float(accuracy(predictions, classes)) == 0.75
    assert float(error_rate(predictions, classes)) == 0.25
    assert float(accuracy(predictions.T, classes, axis=0)) == 0.75


def test_metrics_are_columns_of_both_backends(tiny):
    for native in (True, False):
        learn = Learner(
            tiny,
            DotProductBias(*tiny.sizes, 2),
            metrics=[rmse, mae],
            native=native,
            progress=False,
        )
        learn.fit_one_cycle(1)
        row = learn.history[0]
        assert row["rmse"] == pytest.approx(row["valid_loss"] ** 0.5)
        assert 0 < row["mae"] <= row["rmse"]


@pytest.mark.parametrize("axis", [-1, 1])
def test_cross_entropy_is_torchs(axis):
    predictions, classes = torch.randn(6, 5), torch.arange(6).remainder(5)
    expected = torch.nn.functional.cross_entropy(predictions, classes)
    actual = CrossEntropyLossFlat(axis=axis)(predictions, classes[:, None].float())
    assert float(actual) == pytest.approx(float(expected))


def test_metrics_receive_predictions_of_classes_unflattened(from_zero):
    """Shape (n, 5), beside ratings of the shape (n,)."""
    seen = []

    def shapes(predictions, ratings):
        seen.append((tuple(predictions.shape), tuple(ratings.shape)))
        return 0.0

    learn = Learner(
        from_zero,
        Classes(from_zero),
        CrossEntropyLossFlat(),
        metrics=[accuracy, shapes],
        progress=False,
    )
    learn.fit_one_cycle(1, 0.1)
    n = len(from_zero.valid.ratings)
    assert seen[-1] == ((n, 5), (n,))
    assert 0 <= learn.history[0]["accuracy"] <= 1
    probabilities, ratings, decoded = learn.get_preds(with_decoded=True)
    np.testing.assert_allclose(probabilities.sum(dim=1), 1, rtol=1e-5)
    assert torch.equal(decoded, probabilities.argmax(dim=1))
    assert learn.history[0]["accuracy"] == pytest.approx(
        float((decoded == ratings.reshape(-1)).float().mean())
    )


def test_results_of_classes_are_shown(from_zero, capsys):
    learn = Learner(from_zero, Classes(from_zero), CrossEntropyLossFlat(), progress=False)
    learn.show_results(ds_idx=0, max_n=3)
    header, *rows = capsys.readouterr().out.splitlines()
    assert header.split() == ["user", "item", "rating", "rating_pred"]
    assert all(row.split()[-1] in set("01234") for row in rows)


def _wrong(predictions, ratings):
    return predictions @ torch.ones(3)


FAILING = {
    "ratings go from 1 to 5, but the class of a rating is a whole number from 0 to 4": (
        lambda dls: Learner(dls, Classes(dls), CrossEntropyLossFlat())
    ),
    "needs one for each class": lambda dls: Learner(
        dls, DotProductBias(*dls.sizes, 2), CrossEntropyLossFlat()
    ),
    "this metric needs one number for each": lambda dls: Learner(
        dls, Classes(dls, 6), CrossEntropyLossFlat(), metrics=[rmse]
    ),
    r"a metric failed on predictions of shape \(2,\) and 2 ratings": lambda dls: Learner(
        dls, DotProductBias(*dls.sizes, 2), metrics=[_wrong]
    ),
}


@pytest.mark.parametrize(("reason", "make"), FAILING.items(), ids=FAILING)
def test_a_loss_or_metric_that_does_not_fit_is_refused_before_training(tiny, reason, make):
    learn = make(tiny)
    before = [p.detach().clone() for p in learn.model.parameters()]
    with pytest.raises(palate.SettingError, match=reason):
        learn.fit(1, 0.1)
    assert all(map(torch.equal, before, learn.model.parameters()))


def test_ratings_between_classes_are_refused():
    with pytest.raises(palate.SettingError, match="whole number"):
        CrossEntropyLossFlat()(torch.zeros(2, 5), torch.tensor([1.0, 2.5]))
