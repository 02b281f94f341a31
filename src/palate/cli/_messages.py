"""Messages of the library in the words of the command line: options instead of arguments."""

import re
from collections.abc import Mapping

# What has another form on the command line than an argument and its option.
_PHRASES = {
    "palate.Choice()": "--solver choice",
    "palate.evaluate": "palate evaluate",
    "palate.fit": "palate fit",
    "fit with Gibbs": "fit with --solver gibbs",
    "OneCycle and Gibbs": "one-cycle and gibbs",
    "palate fit and Model.save write": "palate fit writes",
    "palate.movielens('100k')": "palate fit ml-100k",
    "path= (--data on the command line)": "palate demo --data",
    ", or use timestamp=False": "",
    "use timestamp=False to do": "use --skip-bad-lines to do",
    "skip_bad_lines=True": "--skip-bad-lines",
}
# Values of an argument, as in "duplicates='first', 'last' or 'mean'" or "y_range=(0, 6)".
_VALUES = r"""(?:\([^()'"]*\)|(?:(?:, | or )?(?:'[^'"]*'|"[^'"]*"))*)"""
# The verbs that follow the name of an argument at the beginning of a message.
_VERBS = "is|ranks|applies|names|cannot"


def in_options(message: str, options: Mapping[str, str]) -> str:
    """Return a message with options in place of the arguments of Python.

    ``kind="counts"`` becomes ``--kind counts``, ``name it with user=`` becomes ``name it with
    --user``, and ``folds is 1`` becomes ``--folds is 1``.

    Parameters
    ----------
    message
        What an exception says, or how a table was read.
    options
        The option of each argument that the command takes, such as ``--min-ratings`` of
        ``min_ratings``.
    """
    for phrase, words in _PHRASES.items():
        message = message.replace(phrase, words)
    if not options:
        return message
    names = "|".join(re.escape(name) for name in options)

    def assigned(found: re.Match[str]) -> str:
        values = re.sub(r"""["']([\w-]+)["']""", r"\1", found[2])
        if values.startswith("("):
            values = values[1:-1].replace(",", "")
        return f"{options[found[1]]} {values}" if values else options[found[1]]

    message = re.sub(
        rf"(?<![\w./?&'-])({names})=({_VALUES})(?=[\s,;:)]|\.\s|\.?$)", assigned, message
    )
    message = re.sub(rf"^({names})(?= (?:{_VERBS})\b)", lambda found: options[found[1]], message)
    compound = "|".join(re.escape(name) for name in options if "_" in name)
    if not compound:
        return message
    return re.sub(
        rf"(?<![\w./'\"-])({compound})(?![\w/'\"])", lambda found: options[found[1]], message
    )
