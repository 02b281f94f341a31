"""The list of a model's items: searched, filtered, sorted and by page."""

import re
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from palate._computed_once import computed_once
from palate.analysis._matching_items import matching_items
from palate.errors import SettingError
from palate.model._model import Model
from palate.web import _requests as req
from palate.web import _responses as res
from palate.web._json import Ids, json_value

# The columns that need ratings.
_OF_RATINGS = ("mean", "bias", "lower", "upper", "gap")


class ItemList:
    """The items of a model that have training ratings.

    Parameters
    ----------
    model
        The model.
    ids
        The JSON form of the id of each item.
    """

    def __init__(self, model: Model, ids: Ids) -> None:
        self.model, self._ids = model, ids

    @computed_once
    def table(self) -> pl.DataFrame:
        """Every item that has training ratings, with its bias and its row in the model.

        In a model without ratings, all that is known is by how many people an item was picked.
        """
        learned = self.model.learned
        rows = self.model.items.select("id").with_row_index("row")
        if learned.has_ratings:
            table = self.model.biases("bias")
            return table.join(rows, on="id", how="left", maintain_order="left")
        picked = np.flatnonzero(learned.rated)
        unknown = set(res.ItemPage.model_fields) - {"id", "item", "ratings"}
        table = learned.item_frame(picked, row=picked, ratings=learned.item_counts[picked])
        return table.with_columns(pl.lit(None).alias(name) for name in sorted(unknown))

    def page(self, query: req.ItemsQuery) -> res.Items:
        """Return a page of the items that match a query, or those asked for; see `matching`."""
        if query.id and query.sort is None:
            return self._by_id(query.id)
        table = self.matching(query)
        items = [self.item(row) for row in table[query.rows].iter_rows(named=True)]
        return res.Items(total=table.height, page=query.page, size=query.size, items=items)

    def matching(self, query: req.ItemsFilter) -> pl.DataFrame:
        """Return the items that match a query, in its order; without one, the best match first.

        Raises
        ------
        SettingError
            If there is no such column, or the order needs ratings and the model has none.
        """
        sort = query.sort or ("bias" if self.model.learned.has_ratings else "ratings")
        if sort in _OF_RATINGS:
            self.model.learned.require_rating_model()
        table = self.table.filter(pl.col("ratings") >= query.min_ratings)
        if query.id:
            rows, _ = self.model.learned.item_index.split(query.id)
            table = table.filter(pl.col("row").is_in(rows))
        if query.where:
            table = table.filter(pl.Series(self.meeting(query.where)).gather(table["row"]))
        table = table.sort(sort, "row", descending=[query.descending, False], nulls_last=True)
        if not query.search:
            return table
        found = self.model.learned.item_index.names.rows(query.search)
        match = pl.DataFrame({"row": found}, schema={"row": table.schema["row"]})
        return table.join(match, on="row", maintain_order="left" if query.sort else "right")

    def export(self, query: req.ItemsFilter) -> pl.DataFrame:
        """Return the items that match a query, with all that is known of them, as a table."""
        table = self.matching(query)
        known = ("id", "item", "ratings", *_OF_RATINGS)
        more = self.model.items.drop("id", "item")[table["row"]]
        return table.select(known if self.model.learned.has_ratings else known[:3]).hstack(
            more.rename({name: f"items.{name}" for name in more.columns if name in known})
        )

    def _by_id(self, names: list[str]) -> res.Items:
        """Return the items with some ids or titles, and which of these are unknown."""
        rows, unknown = self.model.learned.item_index.split(names)
        numbers = pl.Series(rows, dtype=self.table.schema["row"])
        asked = self.model.learned.item_frame(np.array(rows, dtype=np.intp), row=numbers)
        rest = self.table.drop("id", "item")  # only those with training ratings
        table = asked.join(rest, on="row", how="left", maintain_order="left")
        items = [
            self.item(row | {"ratings": row["ratings"] or 0}) for row in table.iter_rows(named=True)
        ]
        return res.Items(total=len(items), page=1, size=len(names), items=items, unknown=unknown)

    def meeting(self, where: list[str], search: str = "") -> NDArray[np.bool_]:
        """Return a mask of the items that meet all conditions and a search; it may be all False."""
        items = self.model.items
        mask = np.ones(items.height, dtype=np.bool_)
        for column, value in map(_condition, where):
            try:
                mask &= matching_items(items, {column: value})
            except SettingError:  # also raised where no item has the value
                if column not in items.columns:
                    raise
                mask[:] = False
        if search:
            found = self.model.learned.item_index.names.rows(search)
            mask &= np.isin(np.arange(items.height), found)
        return mask

    def row(self, number: int) -> dict[str, Any]:
        """Return the row of `table` of the item with a row number in the model."""
        return self.table.row(by_predicate=pl.col("row") == number, named=True)

    def item(self, row: dict[str, Any]) -> res.Item:
        """Return an item from a row of `table`."""
        metadata = self.model.items.row(row["row"], named=True)
        columns = set(res.Item.model_fields) - {"id", "more"}
        return res.Item(
            **{name: json_value(row[name]) for name in columns},
            id=self._ids[row["id"]],
            more={
                name: json_value(value)
                for name, value in metadata.items()
                if name not in ("id", "item")
            },
        )


def _condition(text: str) -> tuple[str, str]:
    """Return the column and the value of a condition."""
    match = re.fullmatch(r"([^=]+)=(.+)", text, re.S)
    if not match:
        raise SettingError(f"where is {text!r}; it must be COLUMN=VALUE, such as genres=Comedy")
    return match[1], match[2]
