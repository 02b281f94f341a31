"""Which column is the user, the item, the rating: by name, by position, or as told."""

from collections.abc import Mapping, Sequence

from palate.data._table import Table
from palate.errors import DataError

REQUIRED = ("user", "item", "rating")
ROLES = (*REQUIRED, "timestamp")

# The usual names of each role, the clearest first, in lower case and without punctuation.
_USUAL = {
    "user": "userid user uid customerid customer reviewerid reviewer memberid member viewerid "
    "viewer personid person readerid reader userkey",
    "item": "itemid item movieid movie iid productid product asin bookid book isbn songid song "
    "trackid track artistid artist gameid game beerid beer recipeid recipe restaurantid "
    "restaurant businessid business animeid anime filmid film showid show jokeid joke "
    "articleid article titleid",
    "rating": "rating ratings score stars star overall value userrating bookrating myrating "
    "ratingvalue grade mark",
    "timestamp": "timestamp time datetime date unixreviewtime ratedat createdat reviewtime "
    "ratingdate when ts",
    "title": "title movietitle booktitle itemtitle productname itemname moviename name",
}
_USUAL_NAMES = {role: names.split() for role, names in _USUAL.items()}


def _plain(name: str) -> str:
    # RecBole's atomic files add a type, "user_id:token".
    return "".join(c for c in name.split(":", maxsplit=1)[0].lower() if c.isalnum())


def usual(role: str, names: Sequence[str]) -> str | None:
    """Return the name in `names` that usually stands for `role`, or None."""
    plain = {_plain(name): name for name in reversed(names)}
    return next((plain[name] for name in _USUAL_NAMES[role] if name in plain), None)


def is_ratings_header(fields: Sequence[str], told: Mapping[str, str | None]) -> bool:
    """Say whether the first line of a ratings file holds names.

    It does where a name that was told or a usual one stands in it, and where the third field,
    in whose place a file without a header has its rating, is no number.
    """
    if any(name in fields for name in told.values() if name is not None):
        return True
    return any(usual(role, fields) for role in REQUIRED) or not (
        len(fields) > len(REQUIRED) - 1 and _is_number(fields[2])
    )


def is_items_header(fields: Sequence[str], item_column: str) -> bool:
    """Say whether the first line of an items file holds names."""
    return item_column in fields or any(usual(role, fields) for role in ("item", "title"))


def find_columns(table: Table, told: Mapping[str, str | None]) -> dict[str, str]:
    """Return the column of each role that the table has: user, item, rating and so on.

    Raises
    ------
    DataError
        If a column that was told is not there, or one of user, item and rating can't be found.
    """
    names = table.frame.columns
    found = {role: name for role, name in told.items() if name is not None}
    for role, name in found.items():
        if name not in names:
            raise DataError(
                f"{table.name} has no column {name!r} for {role}=; it has {_listed(names)}"
            )
    free = [name for name in names if name not in found.values()]
    if not table.header:
        found |= zip([role for role in ROLES if role not in found], free, strict=False)
    else:
        for role in (role for role in (*ROLES, "title") if role not in found):
            likely = usual(role, free)
            if likely is not None:
                found[role] = likely
                free.remove(likely)
    for role in REQUIRED:
        if role not in found:
            raise DataError(
                f"{table.name}: can't tell which column is the {role}; name it with {role}=. "
                f"The columns are {_listed(names)}"
            )
    return found


def _listed(names: Sequence[str]) -> str:
    return ", ".join(repr(name) for name in names)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
