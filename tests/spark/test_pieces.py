"""Tables with a row for each item, which the driver takes piece by piece."""

import numpy as np
import pytest

pytest.importorskip("pyspark")

from palate.spark import _pieces
from palate.spark._pieces import Pieces
from palate.spark._results import added_tables


@pytest.fixture
def small_pieces(monkeypatch):
    monkeypatch.setattr(_pieces, "_BYTES", 100)


@pytest.mark.parametrize("blocks", [1, 2, 6])
def test_sums_of_tables_in_pieces_are_those_of_the_whole(spark, small_pieces, blocks):
    tables = np.random.default_rng(0).integers(0, 9, (blocks, 23, 3), dtype=np.int32)
    # A block is missing, as one without users is.
    given = [(block, tables[block]) for block in range(blocks) if block != 1]
    results = spark.sparkContext.parallelize(given, 2)
    found = added_tables(results, blocks, (23, 3), np.int32)
    assert found.dtype == np.int32
    np.testing.assert_array_equal(found, sum(table for _, table in given))


def test_parts_come_in_the_order_of_their_rows(spark, small_pieces):
    """Those of one piece from several blocks, too; of some rows there is none."""
    pieces = Pieces.of(23, 12)
    assert (pieces.size, pieces.number) == (8, 3)
    assert list(pieces.within(5, 17)) == [(0, 5, 8), (1, 8, 16), (2, 16, 17)]
    whole = np.arange(46).reshape(23, 2)
    rows = [*pieces.within(17, 22), *pieces.within(5, 17), *pieces.within(0, 5)]
    parts = [(piece, (first, whole[first:end])) for piece, first, end in rows]
    assert sum(len(part) for _, (_, part) in parts) == 22
    rdd = spark.sparkContext.parallelize(parts, 2)
    assert [first for first, _ in pieces.taken(rdd)] == [0, 5, 8, 16, 17]
    np.testing.assert_array_equal(pieces.table(rdd, 2, np.int64)[:22], whole[:22])
    assert not pieces.table(rdd, 2, np.int64)[22].any()
