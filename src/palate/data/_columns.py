"""Which column holds the users, the items, the ratings: as given, by its name or by position."""

import re
from collections.abc import Mapping, Sequence

from palate.data._table import Table, listed
from palate.errors import DataError

REQUIRED = ("user", "item")
ROLES = (*REQUIRED, "rating", "timestamp")

# The usual names of each role, the clearest first, in lower case and without punctuation.
_USUAL = {
    "user": "userid user uid customerid customer reviewerid reviewer memberid member viewerid "
    "viewer personid person readerid reader userkey visitorid visitor accountid account playerid "
    "player sessionid session",
    "item": "itemid item movieid movie iid productid product asin bookid book isbn songid song "
    "trackid track artistid artist gameid game beerid beer recipeid recipe restaurantid "
    "restaurant businessid business animeid anime filmid film showid show jokeid joke "
    "articleid article titleid sku appid app placeid place venueid venue locationid location "
    "videoid video pageid page",
    "rating": "rating ratings score stars star overall value userrating bookrating myrating "
    "ratingvalue grade mark feedback preference",
    "count": "count counts plays playcount timesplayed listens listencount clicks views visits "
    "hours hoursplayed playtime quantity qty purchases purchase frequency weight",
    "timestamp": "timestamp time datetime date unixreviewtime ratedat createdat reviewtime "
    "ratingdate reviewedat reviewdate clickedat viewedat playedat listenedat boughtat purchasedat "
    "orderedat orderdate eventtime when ts",
    "title": "title movietitle booktitle itemtitle filmtitle showtitle songtitle gametitle "
    "animetitle productname itemname moviename bookname filmname showname songname trackname "
    "artistname gamename animename name",
}
_USUAL_NAMES = {role: names.split() for role, names in _USUAL.items()}


def _plain(name: str) -> str:
    # RecBole's atomic files add a type, "user_id:token".
    return "".join(c for c in name.split(":", maxsplit=1)[0].lower() if c.isalnum())


def likely(role: str, names: Sequence[str]) -> list[str]:
    """Return those of `names` that usually stand for `role`, the clearest first."""
    plain = {_plain(name): name for name in reversed(names)}
    return [plain[name] for name in _USUAL_NAMES[role] if name in plain]


def usual(role: str, names: Sequence[str]) -> str | None:
    """Return the name in `names` that most clearly stands for `role`, or None."""
    return next(iter(likely(role, names)), None)


def is_ratings_header(fields: Sequence[str], given: Mapping[str, str | None]) -> bool:
    """Return whether the first line of a ratings file holds column names.

    It does if it contains one of the names that were given. Otherwise it does not if columns
    were given by position, or if the third field is a number: in a file without a header that
    is the rating. Where there are only two, it does not if one of them is a number: an id.
    """
    names = [name for name in given.values() if name is not None]
    if any(name in fields for name in names):
        return True
    if any(re.fullmatch(r"column \d+", name) for name in names):
        return False
    if len(fields) == len(REQUIRED):
        return not any(map(is_number, fields))
    return len(fields) < len(REQUIRED) or not is_number(fields[2])


def names_counts(column: str) -> bool:
    """Return whether columns of this name usually hold counts, such as ``plays``."""
    return _plain(column) in _USUAL_NAMES["count"]


def is_described_header(fields: Sequence[str], role: str, column: str) -> bool:
    """Return whether the first line of a file of items or users (`role`) holds column names.

    The ratings call the ids `column`.
    """
    if column in fields or usual(role, fields):
        return True
    named = usual("title", fields) is not None or "id" in map(str.lower, fields)
    return named and not any(map(is_number, fields))


def find_columns(
    table: Table, given: Mapping[str, str | None], *, rated: bool = True
) -> dict[str, str]:
    """Return the column of each role that the table has: user, item, rating, timestamp, title.

    Counts have the role of ratings. `rated` says whether there must be either.

    Raises
    ------
    DataError
        If a given column does not exist, or one of user, item and a required rating can't be
        found.
    """
    names = table.columns
    found = {role: name for role, name in given.items() if name is not None}
    for role, column in found.items():
        if column not in names:
            no_header = "" if table.header else "there are no names in its first line; "
            raise DataError(
                f"{table.name} has no column {column!r} for {role}=; {no_header}it has "
                f"{listed(names)}"
            )
    if len(set(found.values())) < len(found):
        named = ", ".join(f"{role}={column!r}" for role, column in found.items())
        raise DataError(f"the same column is named twice: {named}; name one for each")
    free = [name for name in names if name not in found.values()]
    if not table.header:
        found |= zip([role for role in ROLES if role not in found], free, strict=False)
    else:
        _find_by_name(found, free)
    for role in (*REQUIRED, "rating") if rated else REQUIRED:
        if role not in found:
            by_position = "" if table.typed else ", or without a header 'column 1', 'column 2', ..."
            raise DataError(
                f"{table.name}: can't tell which column is the {role}; name it with {role}=. "
                f"The columns are {listed(names)}{by_position}"
            )
    for column in found.values():
        if f"{column} (2)" in names:
            raise DataError(f"{table.name} has two columns {column!r}; rename one of them")
    return found


def _find_by_name(found: dict[str, str], free: list[str]) -> None:
    """Add the columns of the roles that are not found yet, by the usual names."""
    for role in (role for role in (*ROLES, "title") if role not in found):
        name = usual(role, free)
        if role == "rating":
            name = name or usual("count", free)
        if name is not None:
            found[role] = name
            free.remove(name)
    if "item" not in found and "title" in found:
        found["item"] = found.pop("title")  # names are ids where there are no others


def is_number(text: str) -> bool:
    """Return whether text is a number; a decimal comma makes no column name."""
    try:
        float(text.replace(",", ".", 1))
    except ValueError:
        return False
    return True
