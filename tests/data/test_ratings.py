"""`Ratings`: grouped by user and by item."""


def test_csr_both_ways(small):
    by_user, by_item = small.by_user(), small.by_item()
    for csr, ids in ((by_user, small.users["id"]), (by_item, small.items["id"])):
        assert csr.starts.tolist()[-1] == len(small)
        assert len(csr.starts) == len(ids) + 1
    for csr, rows, partner in (
        (by_user, small.user, small.item),
        (by_item, small.item, small.user),
    ):
        for row in range(len(csr.starts) - 1):
            group = slice(csr.starts[row], csr.starts[row + 1])
            assert csr.partner[group].tolist() == partner[rows == row].tolist()
            assert csr.rating[group].tolist() == small.rating[rows == row].tolist()
