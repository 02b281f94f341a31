"""What counts as the same output.

A line ``...`` stands for any lines. Otherwise words have to be equal, in the same order; numbers
with a decimal point or a percent sign may differ by 2% or by one unit of the last printed digit,
because another build of a library rounds differently; durations may be any. Spaces, line breaks and
the length of ruled lines don't count, since they depend on the width of numbers.
"""

import re

ELLIPSIS = "..."
_TOKEN = re.compile(
    r"(?P<duration>\d+(?:\.\d+)?\s?(?:ms|s|seconds?|minutes?)\b)"
    r"|(?P<number>[-+]?\d+(?:,\d{3})*(?:\.\d+)?(?:e[-+]?\d+)?%?)"
    r"|(?P<rule>[─═━╌┄]{2,}|-{4,}|={4,})"
    r"|[^\W\d]+|\S"
)
_RELATIVE, _UNITS = 0.02, 1.0


def differences(expected: str, printed: str) -> str | None:
    """Return what is different, as a sentence; None if `printed` is as `expected`."""
    chunks: list[list[re.Match[str]]] = [[]]
    for line in expected.splitlines():
        if line.strip() == ELLIPSIS:
            chunks.append([])
        else:
            chunks[-1] += _TOKEN.finditer(line)
    tokens = list(_TOKEN.finditer(printed))
    if len(chunks) == 1:
        return _first_difference(chunks[0], tokens)
    first, last = chunks[0], chunks[-1]
    if len(first) + len(last) > len(tokens):
        return "less is printed"
    at_ends = _first_difference(first, tokens[: len(first)]) or _first_difference(
        last, tokens[len(tokens) - len(last) :]
    )
    if at_ends:
        return at_ends
    place, end = len(first), len(tokens) - len(last)
    for chunk in chunks[1:-1]:
        while place + len(chunk) <= end and _first_difference(
            chunk, tokens[place : place + len(chunk)]
        ):
            place += 1
        if place + len(chunk) > end:
            return f"{' '.join(token[0] for token in chunk)} is not printed"
        place += len(chunk)
    return None


def _first_difference(expected: list[re.Match[str]], printed: list[re.Match[str]]) -> str | None:
    for one, other in zip(expected, printed, strict=False):
        if not _alike(one, other):
            return f"{other[0]!r} instead of {one[0]!r}"
    if len(expected) > len(printed):
        return f"{expected[len(printed)][0]!r} is missing"
    if len(expected) < len(printed):
        return f"{printed[len(expected)][0]!r} is one word too many"
    return None


def _alike(one: re.Match[str], other: re.Match[str]) -> bool:
    if one.lastgroup != other.lastgroup:
        return False
    if one.lastgroup in {"duration", "rule"}:
        return True
    if one.lastgroup != "number" or not re.search(r"[.%]", one[0]):
        return one[0] == other[0]
    values = [float(match[0].rstrip("%").replace(",", "")) for match in (one, other)]
    digits = re.match(r"[^.]*\.?(\d*)", one[0])
    unit = 10.0 ** -len(digits[1] if digits else "")
    allowed = max(_RELATIVE * abs(values[0]), _UNITS * unit) * (1 + 1e-9)
    return one[0].endswith("%") == other[0].endswith("%") and abs(values[1] - values[0]) <= allowed
