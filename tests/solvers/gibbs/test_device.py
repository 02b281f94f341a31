"""Rows drawn by PyTorch: beside the kernel's and their twins', from the same numbers.

All of it runs on the processor, which PyTorch takes for a device like a GPU.
"""

import subprocess
import sys

import numpy as np
import pytest
import twins

torch = pytest.importorskip("torch", reason="no PyTorch; pip install 'palate[torch]'")

import palate
from palate import _native
from palate.solvers.gibbs import _device
from palate.solvers.gibbs._device import DeviceSampler
from palate.solvers.gibbs._people import LocalPeople
from palate.solvers.gibbs._row_block import Runtime, sample_rows

COUNTS = (0, 1, 10, 5000, 0, 300, 33, 31, 12, 1, 2, 700)
PARTNERS, ALPHA, MU = 400, 1.7, 0.3
NAMES = (
    *("starts", "partner", "rating", "partner_weight", "row_weight", "order"),
    *("partners", "precision", "shift", "spread"),
)


@pytest.fixture
def gpu(monkeypatch):
    """Take the processor for the GPU "cuda"."""
    monkeypatch.setattr(_device, "_device", lambda name: torch.device("cpu"))
    return "cuda"


class Side:
    """Ratings of rows with very different numbers of them."""

    def __init__(self, columns, counts=COUNTS):
        rng, rows = np.random.default_rng(0), len(counts)
        self.starts = np.append(0, np.cumsum(counts)).astype(np.int64)
        self.partner = rng.integers(0, PARTNERS, self.starts[-1]).astype(np.int32)
        self.rating = rng.normal(size=self.starts[-1]).astype(np.float32)
        self.partner_weight = rng.gamma(5, 0.2, PARTNERS).astype(np.float32)
        self.row_weight = rng.gamma(5, 0.2, rows).astype(np.float32)
        self.order = np.argsort(-np.array(counts), kind="stable").astype(np.int32)
        self.partners = rng.normal(size=(PARTNERS, columns)).astype(np.float32)
        root = rng.normal(size=(columns, columns))
        self.precision = root @ root.T / columns + np.eye(columns)
        self.shift = rng.normal(size=(rows, columns)).astype(np.float32)
        self.spread = rng.gamma(5, 0.2, rows).astype(np.float32)

    def weight(self, row):
        """Return the weights of the ratings of a row."""
        own = self.partner[self.starts[row] : self.starts[row + 1]]
        return self.partner_weight[own] * self.row_weight[row]

    def draw(self, sampler, *, alpha=ALPHA, stream=9, **options):
        arrays = [getattr(self, name) for name in NAMES]
        return sampler(*arrays, alpha, MU, 5, stream, 1, **options)


def assert_the_same(found, expected):
    """With the tolerance that the kernel has beside its twin."""
    (rows, squares), (expected_rows, expected_squares) = found, expected
    assert (rows.dtype, squares.dtype) == (np.float32, np.float64)
    np.testing.assert_allclose(rows, expected_rows, atol=2e-4, rtol=2e-4)
    np.testing.assert_allclose(squares, expected_squares, atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize("columns", [2, 16, 17, 33])
@pytest.mark.parametrize("first", [0, 7])
def test_each_draw_equals_its_twins_and_the_kernels(columns, first):
    side = Side(columns)
    rows, squares = side.draw(DeviceSampler("cpu"), first_row=first)
    stride = -(-columns // 16) * 16
    expected = []
    for row in range(len(COUNTS)):
        own = slice(side.starts[row], side.starts[row + 1])
        noise = _native.normals(5, 9, columns, (first + row) * stride)
        drawn, residuals = twins.sample_row(
            side.partners[side.partner[own]], side.rating[own], side.weight(row), side.precision,
            side.shift[row], ALPHA, MU, noise=side.spread[row] * noise,
        )  # fmt: skip
        expected.append((drawn, np.sum(side.weight(row) * residuals**2)))
    assert_the_same((rows, squares), [np.array(part) for part in zip(*expected, strict=True)])
    assert_the_same((rows, squares), side.draw(sample_rows, first_row=first))


def test_numbers_that_threads_make_in_parts_are_the_same(monkeypatch):
    monkeypatch.setattr(_device, "_ROWS", 5)
    side = Side(17)
    found = side.draw(DeviceSampler("cpu"), first_row=7)
    assert_the_same(found, side.draw(sample_rows, first_row=7))


@pytest.mark.parametrize("batch", [1, 500, 20_000])
def test_batches_and_segments_of_any_size_draw_the_same(batch, monkeypatch):
    side, sizes = Side(9), []
    native = torch.Tensor.baddbmm_
    monkeypatch.setattr(
        torch.Tensor, "baddbmm_", lambda to, a, b: sizes.append(b.numel()) or native(to, a, b)
    )
    found = side.draw(DeviceSampler("cpu", batch))
    assert max(sizes) <= max(batch, 10)  # one rating at least
    assert_the_same(found, side.draw(sample_rows))


@pytest.mark.parametrize(("numbers", "most"), [(40_000, 400), (4_000_000, 30)])
def test_batches_hold_rows_of_similar_length_and_bounded_sizes(numbers, most):
    lengths = np.sort(np.random.default_rng(0).zipf(1.3, 3000).clip(0, 9000))[::-1]
    lengths[-200:] = 0
    batches = list(_device._batches(lengths, 9, numbers))
    assert [i for batch in batches for i in range(batch.start, batch.stop)] == list(range(3000))
    for batch in batches:
        own = lengths[batch]
        assert own[0] <= 32 or own[0] <= 2 * own[-1] + 1
        assert len(own) == 1 or len(own) * own[0] * 10 <= numbers
        assert len(own) * 100 <= numbers
    assert len(batches) < most


def test_rows_with_few_ratings_are_in_one_batch():
    few = np.arange(32, -1, -1)
    assert list(_device._batches(np.append(33, few), 1, 10**6)) == [slice(0, 18), slice(18, 34)]
    assert list(_device._batches(few, 1, 10**6)) == [slice(0, 33)]


def test_squares_of_ratings_almost_without_noise():
    """Noise of 1e-4 leaves squares a hundred million times below the ratings' own."""
    side = Side(9, [count for count in COUNTS if count not in {1, 2}])  # singular, with such noise
    side.rating = twins.ratings_almost_without_noise(side, MU)
    drawn, squares = side.draw(DeviceSampler("cpu"), alpha=1e8)
    for row in range(len(side.order)):
        own = slice(side.starts[row], side.starts[row + 1])
        partners = side.partners[side.partner[own]]
        residuals = twins.residuals(partners, side.rating[own], drawn[row], MU)
        total = np.sum(side.weight(row) * residuals**2)
        assert squares[row] == pytest.approx(total, rel=1e-6, abs=0)


def test_without_any_rating_rows_have_their_prior():
    side = Side(3, counts=[0, 0, 0])
    assert_the_same(side.draw(DeviceSampler("cpu")), side.draw(sample_rows))


@pytest.mark.parametrize("name", ["spread", "row_weight"])
def test_without_a_spread_or_weights_of_rows_they_are_1(name):
    side = Side(5)
    found = side.draw(DeviceSampler("cpu"))
    setattr(side, name, getattr(side, name)[:0])
    assert (found[0] != side.draw(DeviceSampler("cpu"))[0]).any()
    assert_the_same(side.draw(DeviceSampler("cpu")), side.draw(sample_rows))


def test_ratings_stay_on_the_device_and_all_else_may_change():
    sampler, one, other = DeviceSampler("cpu"), Side(5), Side(5, counts=COUNTS[::-1])
    for stream in range(3):
        for side in (one, other):
            side.partner_weight = side.partner_weight * np.float32(1.1)
            side.row_weight = side.row_weight * np.float32(0.9)
            side.partners = side.partners + np.float32(0.1)
            found = side.draw(sampler, stream=stream)
            assert_the_same(found, side.draw(sample_rows, stream=stream))
    assert len(sampler._sides) == 2


def test_a_cancelled_token_ends_it_between_batches(monkeypatch):
    token, done = _native.CancelToken(), []
    draw = _device._Posterior.draw

    def cancelling(*arguments):
        done.append(draw(*arguments))
        token.cancel()
        return done[-1]

    monkeypatch.setattr(_device._Posterior, "draw", cancelling)
    with pytest.raises(_native.Cancelled):
        Side(5).draw(DeviceSampler("cpu", 500), cancel=token)
    assert len(done) == 1


def test_products_are_in_full_precision_whatever_the_process_has_chosen(monkeypatch):
    found = []
    cholesky = torch.linalg.cholesky_ex
    monkeypatch.setattr(
        torch.linalg,
        "cholesky_ex",
        lambda a: found.append(torch.get_float32_matmul_precision()) or cholesky(a),
    )
    torch.set_float32_matmul_precision("medium")
    try:
        Side(5).draw(DeviceSampler("cpu"))
        assert torch.get_float32_matmul_precision() == "medium"
    finally:
        torch.set_float32_matmul_precision("highest")
    assert set(found) == {"highest"}


def test_a_fit_on_a_device_is_the_kernels_up_to_rounding(ml100k, gpu):
    few = ml100k.take(np.arange(0, len(ml100k), 5))
    settings = {"factors": 3, "sweeps": 8, "burn_in": 3, "seed": 2}
    one, other = (palate.Gibbs(**settings, device=d).fit(few) for d in ("cpu", gpu))
    for name in ("item_table", "user_table"):
        expected, found = (getattr(model.learned, name) for model in (one, other))
        assert (found != expected).any()  # it did run elsewhere
        np.testing.assert_allclose(found, expected, atol=2e-3)
    for a, b in zip(one.fit.history, other.fit.history, strict=True):
        assert a["train_rmse"] == pytest.approx(b["train_rmse"], rel=1e-4)
    assert other.fit.settings == one.fit.settings
    assert "device" not in other.fit.settings


def test_a_block_on_a_device_that_has_been_cancelled_ends_the_fit(ml100k):
    token = _native.CancelToken()
    people = LocalPeople(ml100k, 0, Runtime(1, token, DeviceSampler("cpu")))
    chain = palate.Gibbs(factors=2).chain(people)
    token.cancel()
    with pytest.raises(_native.Cancelled):
        chain.sweep(0)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_device_that_is_not_there_is_refused(ml100k):
    message = "device is 'cuda:1', and PyTorch finds 0 CUDA devices here; by default, fits use"
    with pytest.raises(palate.SettingError, match=message):
        palate.Gibbs(device="cuda:1").fit(ml100k)


@pytest.mark.parametrize("device", ["tpu", "cuda:x", "cuda:01", "cuda:٣", "", 0, None])
def test_what_is_no_device_is_refused(device):
    with pytest.raises(
        palate.SettingError, match=f"device is {device!r}; it must be 'cpu', or a GPU"
    ):
        palate.Gibbs(device=device)


def test_without_memory_on_the_device_a_fit_says_so(ml100k, monkeypatch, gpu):
    def fail(*_):
        raise torch.cuda.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(_device._Conditional, "of", fail)
    with pytest.raises(palate.SettingError, match=r"4 factors for .* need more memory"):
        palate.Gibbs(factors=4, device=gpu).fit(ml100k)


def test_the_processor_has_the_kernel_and_needs_no_pytorch():
    code = (
        "import sys\nsys.modules['torch'] = None\nimport palate, polars\n"
        "table = {'user': [0, 0, 1], 'item': [0, 1, 1], 'rating': [1.0, 2, 3]}\n"
        "ratings = palate.read_ratings(polars.DataFrame(table))\n"
        "one, other = (palate.Gibbs(2, 3, 1, **d).fit(ratings) for d in ({'device': 'cpu'}, {}))\n"
        "assert (one.learned.item_table == other.learned.item_table).all()"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_without_pytorch_it_says_what_to_install():
    code = (
        "import sys\nsys.modules['torch'] = None\nimport palate, polars\n"
        "table = {'user': [0, 0, 1], 'item': [0, 1, 1], 'rating': [1.0, 2, 3]}\n"
        "palate.Gibbs(device='cuda').fit(palate.read_ratings(polars.DataFrame(table)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("palate.errors.MissingExtraError")
    assert "pip install 'palate[torch]'" in last
