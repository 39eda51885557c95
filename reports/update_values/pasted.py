"""What a pasted text fills: a column of numbers from one row downwards, or two columns that name the assets. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple


class Target(NamedTuple):
    """A row of the table, by the id of its asset and the key of its name."""

    id: str
    key: str


class Pasted(NamedTuple):
    """`fills` has the text for each asset; `no_number`, `unknown` and `repeated` are texts of lines that do not fit.

    `too_many` is by how many lines a column is too long.
    """

    fills: dict[str, str]
    no_number: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    repeated: tuple[str, ...] = ()
    too_many: int = 0


def read_pasted(
    text: str,
    targets: Sequence[Target],
    first: str,
    *,
    key_of: Callable[[str], str],
    is_number: Callable[[str, str], bool],
) -> Pasted:
    """`targets` are the rows in the order of the table; `first` is the asset of the row that was pasted into.

    `is_number` says of an asset and a text whether the text is an amount of it: with its currency, for example.

    One column: empty lines leave a row unchanged; a line that is no number, or more lines than rows, fills nothing. Two
    columns, separated by a tab or a semicolon: a line whose name is unknown, or fits or occurs twice, is left out.
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n").split("\n")
    columns = [re.split(r"\t|;", line, maxsplit=1) for line in lines]
    if any(len(parts) == 2 for parts in columns):
        return _by_name(
            [parts for parts in columns if any(part.strip() for part in parts)], targets, key_of, is_number
        )
    return _downwards([line.strip() for line in lines], targets, first, is_number)


def _downwards(
    lines: Sequence[str], targets: Sequence[Target], first: str, is_number: Callable[[str, str], bool]
) -> Pasted:
    start = next((place for place, target in enumerate(targets) if target.id == first), 0)
    rows = targets[start : start + len(lines)]
    pairs = zip(rows, lines, strict=False)
    no_number = tuple(line for target, line in pairs if line and not is_number(target.id, line))
    if no_number or len(lines) > len(rows):
        return Pasted({}, no_number, too_many=len(lines) - len(rows))
    return Pasted({target.id: line for target, line in zip(rows, lines, strict=True) if line})


def _by_name(
    columns: Sequence[Sequence[str]],
    targets: Sequence[Target],
    key_of: Callable[[str], str],
    is_number: Callable[[str, str], bool],
) -> Pasted:
    ids: dict[str, list[str]] = {}
    for target in targets:
        ids.setdefault(target.key, []).append(target.id)
    named = [(parts[0].strip(), parts[1].strip() if len(parts) == 2 else "") for parts in columns]
    keys = [key_of(name) for name, _ in named]
    counts = Counter(keys)
    is_repeated = {key for key in ids if counts[key] > 1 or len(ids[key]) > 1}
    fitting = {
        ids[key][0]: text
        for (_, text), key in zip(named, keys, strict=True)
        if text and key in ids and key not in is_repeated
    }
    return Pasted(
        {asset: text for asset, text in fitting.items() if is_number(asset, text)},
        no_number=tuple(text for asset, text in fitting.items() if not is_number(asset, text)),
        unknown=tuple(name or text for (name, text), key in zip(named, keys, strict=True) if key not in ids),
        repeated=tuple(
            dict.fromkeys(name for (name, _), key in zip(named, keys, strict=True) if key in is_repeated)
        ),
    )
