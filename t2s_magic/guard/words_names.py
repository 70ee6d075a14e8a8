"""Names and what they stand for: sources to select from, columns of a result, a query in words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from t2s_magic.guard.words_parts import Phrase, TooComplexError, kind_of_type
from t2s_magic.schema import Table

_PLAIN_NAME = re.compile(r"\w+")


def name_text(name: str) -> str:
    """A name as it reads in a sentence; one with spaces or marks stands in double quotes, as in SQL."""
    return name if _PLAIN_NAME.fullmatch(name) else '"' + name.replace('"', '""') + '"'


@dataclass
class Source:
    """A table, or the result of a query, under the name that this SELECT gives it.

    ``columns`` maps folded names to what they mean; ``is_optional`` is the side of an outer join that may be missing.
    """

    alias: str
    name: str
    columns: Mapping[str, Phrase]
    table: Table | None = None
    is_optional: bool = False


@dataclass(frozen=True)
class Output:
    """A column of a result: its name, and what it means."""

    name: str
    meaning: Phrase


@dataclass(frozen=True)
class Told:
    """A query in words.

    ``sentence`` and ``noun`` say the same; ``rows`` leaves the columns out ("Invoice where Total is over 5"), and
    ``step`` is the noun with the new names of the columns, for a query that others build on.
    """

    sentence: str
    noun: str
    step: str
    rows: str
    outputs: tuple[Output, ...]


def source_of_table(table: Table, alias: str) -> Source:
    columns = {
        column.name.casefold(): Phrase(
            name_text(column.name),
            kind_of_type(column.type),
            may_be_null=column.nullable and table.primary_key != (column.name,),
        )
        for column in table.columns
    }
    return Source(alias, ".".join(map(name_text, (*table.qualifier, table.name))), columns, table)


def source_of_result(name: str, outputs: tuple[Output, ...]) -> Source:
    """The result of a query as something to select from. A name that occurs twice cannot be told apart."""
    columns: dict[str, Phrase] = {}
    for output in outputs:
        if output.name.casefold() in columns:
            raise TooComplexError(f"Two columns {output.name} in {name}")
        columns[output.name.casefold()] = Phrase(
            name_text(output.name), output.meaning.kind, may_be_null=output.meaning.may_be_null
        )
    return Source(name, name_text(name), columns)
