"""ORDER BY in words: which end comes first, and where rows without a value go."""

from __future__ import annotations

from dataclasses import dataclass

from sqlglot import exp

from t2s_magic.guard.words_parts import Parts, Phrase, Speaker

_WAYS = {
    "integer": ("lowest first", "highest first"),
    "number": ("lowest first", "highest first"),
    "date": ("earliest first", "latest first"),
    "timestamp": ("earliest first", "latest first"),
    "text": ("A to Z", "Z to A"),
}
_SUPERLATIVES = {
    "integer": ("lowest", "highest"),
    "number": ("lowest", "highest"),
    "date": ("earliest", "latest"),
    "timestamp": ("earliest", "latest"),
}


@dataclass(frozen=True)
class OrderKey:
    """``text`` is "the sum of Total, highest first"; ``superlative`` "highest sum of Total", or "" where none is true.

    ``missing`` says where rows without a value go, if they may exist and if it is not the end: a top-n shows them.
    """

    text: str
    superlative: str
    missing: str


def order_key(ordered: exp.Expr, scope: Speaker, meaning: Phrase) -> OrderKey:
    """One key of an ORDER BY, whose expression means ``meaning``."""
    parts = Parts(ordered)
    scope.said(ordered, only_this=True)
    parts.take("this")
    is_descending = bool(parts.take("desc"))
    nulls_first = bool(parts.take("nulls_first"))
    parts.close()
    way = _WAYS.get(meaning.kind, ("in ascending order", "in descending order"))[is_descending]
    missing = "missing ones first" if nulls_first and meaning.may_be_null else ""
    if nulls_first != _puts_nulls_first(scope.dialect, is_descending) and meaning.may_be_null:
        way += ", missing ones first" if nulls_first else ", missing ones last"
        missing = ""
    word = _SUPERLATIVES.get(meaning.kind, ("", ""))[is_descending]
    superlative = (
        f"{word} {meaning.text if meaning.is_single else meaning.inner}"
        if word and not (nulls_first and meaning.may_be_null)
        else ""
    )
    return OrderKey(f"{meaning.inner} ({way})", superlative, missing)


def _puts_nulls_first(dialect: str, is_descending: bool) -> bool:
    """What the engine does unasked: DuckDB puts NULL last, PostgreSQL takes it for the highest, others the lowest."""
    if dialect == "duckdb":
        return False
    return is_descending if dialect == "postgres" else not is_descending
