"""Statements around a query: EXPLAIN, DESCRIBE, SUMMARIZE and the tail of a PIVOT, reduced to what sqlglot can read.

Nothing here changes what runs: the original text does. Each piece keeps its place in the text, padded with spaces, so
that every later refusal can name where it stands.
"""

from __future__ import annotations

from t2s_magic.guard.scanner import QUOTED, STRING, WORD, Token
from t2s_magic.guard.text import Statement
from t2s_magic.guard.verdict import refuse

_QUERY_STARTS = frozenset({"SELECT", "WITH", "FROM", "VALUES", "TABLE", "(", "PIVOT", "UNPIVOT"})
_EXPLAIN_OPTIONS = frozenset(
    {"VERBOSE", "COSTS", "FORMAT", "GENERIC_PLAN", "SUMMARY", "BUFFERS", "MEMORY", "ON", "OFF", "TRUE", "FALSE"}
)
_EXPLAIN_FORMATS = frozenset({"TEXT", "JSON", "XML", "YAML", "TREE", "TRADITIONAL", "HTML", "GRAPHVIZ", "MERMAID"})
_PIVOT_TAILS = frozenset({"ORDER", "LIMIT", "OFFSET"})

# What the verbs that people and models write most do, in a person's words.
_WHAT_IT_DOES = {
    **dict.fromkeys(("DELETE", "INSERT", "UPDATE", "MERGE", "TRUNCATE", "REPLACE"), "changes data"),
    **dict.fromkeys(("CREATE", "DROP", "ALTER", "RENAME", "COMMENT", "GRANT", "REVOKE"), "changes the database"),
    **dict.fromkeys(("ANALYZE", "VACUUM", "REINDEX", "CHECKPOINT", "REFRESH", "OPTIMIZE"), "changes the database"),
    **dict.fromkeys(("BEGIN", "START", "COMMIT", "ROLLBACK", "END", "ABORT", "SAVEPOINT"), "changes the transaction"),
    **dict.fromkeys(("SET", "RESET", "USE", "PRAGMA", "SHOW", "DISCARD"), "reads or changes a setting"),
    **dict.fromkeys(("COPY", "EXPORT", "IMPORT", "LOAD"), "reads or writes files"),
    **dict.fromkeys(("CALL", "EXECUTE", "PREPARE", "DO", "DECLARE"), "runs code that cannot be checked"),
    **dict.fromkeys(("DESCRIBE", "DESC", "SUMMARIZE"), "is allowed at the beginning of a statement only"),
    "ATTACH": "opens another database",
    "DETACH": "closes a database",
    "INSTALL": "installs an extension",
    "LOCK": "locks tables",
    "KILL": "stops another session",
}


def pieces(statement: Statement) -> tuple[str, ...]:
    """The queries in ``statement``, each a text of its own in which the rest is blank; none for ``SHOW TABLES``."""
    words = [token.text.upper() if token.kind == WORD else token.text for token in statement.tokens]
    if words == ["SHOW", "TABLES"] and statement.dialect in ("duckdb", "mysql"):
        return ()
    if words[0] in ("DESCRIBE", "SUMMARIZE") and statement.dialect == "duckdb":
        return (_described(statement, words),)
    if statement.dialect == "mysql" and (shown := _shown_columns(statement, words)):
        return (shown,)
    if words[0] in ("DESCRIBE", "DESC") and statement.dialect == "mysql":
        words[0] = "EXPLAIN"
    skip = _explain_length(statement, words) if words[0] == "EXPLAIN" else 0
    if statement.dialect == "mysql" and skip == 1 and _is_name_of_table(statement.tokens[1:]):
        return (_described(statement, words),)
    if words[skip] not in _QUERY_STARTS:
        token = statement.tokens[skip]
        refuse(statement.sql, _WHAT_IT_DOES.get(words[skip], "does not begin a query"), (token.start, token.end))
    _refuse_inner_verbs(statement, words)
    first = statement.tokens[skip].start
    return _without_pivot_tails(statement, words, " " * first + statement.bare[first:])


def _refuse_inner_verbs(statement: Statement, words: list[str]) -> None:
    """``(SHOW DATABASES)`` is a statement for DuckDB and a column with an alias for sqlglot."""
    verbs = _WHAT_IT_DOES | ({"TABLE": "is not known to SQLite"} if statement.dialect == "sqlite" else {})
    for before, token, word, after in zip(words, statement.tokens[1:], words[1:], statement.tokens[2:], strict=False):
        is_verb = before == "(" and token.kind == WORD and word in verbs and after.kind in (WORD, QUOTED, STRING)
        if is_verb and not _is_description(statement, token, after):
            refuse(statement.sql, verbs[word], (token.start, token.end))
        if token.kind == WORD and word == "TABLE" and after.kind == STRING:
            refuse(statement.sql, "would be read as a file", (token.start, after.end))


def _is_description(statement: Statement, verb: Token, after: Token) -> bool:
    """DuckDB describes a table or a query in parentheses too; ``spellings`` made a FROM of the verb."""
    is_shown_as_query = statement.bare[verb.start : verb.end] != verb.text
    return statement.dialect == "duckdb" and is_shown_as_query and after.text.upper() not in _WHAT_IT_DOES


def _described(statement: Statement, words: list[str]) -> str:
    """``SUMMARIZE orders`` reads what ``FROM orders`` reads; both words leave room for FROM."""
    first, *rest = statement.tokens
    if not rest:
        refuse(statement.sql, "lacks a table or a query", (first.start, first.end))
    _refuse_inner_verbs(statement, words)
    verb = "" if words[1] in _QUERY_STARTS - {"TABLE"} else "FROM"
    return " " * first.start + verb.ljust(len(first.text)) + statement.bare[first.end :]


def _shown_columns(statement: Statement, words: list[str]) -> str:
    """``SHOW COLUMNS FROM t`` as ``FROM t``, and nothing longer; "" for other statements."""
    verb = [word for word in words[:4] if word != "FULL"][:3]
    if verb not in (["SHOW", "COLUMNS", "FROM"], ["SHOW", "FIELDS", "FROM"]) or words.count("FULL") > 1:
        return ""
    from_ = words.index("FROM")
    names = statement.tokens[from_ + 1 :]
    is_table = len(names) == 1 or (len(names) == 3 and names[1].text == ".")
    if not is_table or not _is_name_of_table(names):
        return ""
    at = statement.tokens[from_].start
    return " " * at + statement.bare[at:]


def _is_name_of_table(tokens: tuple[Token, ...]) -> bool:
    """``customer``, ``shop.customer`` or ``customer name``: what MySQL describes, a table and perhaps a column."""
    is_qualified = len(tokens) > 2 and tokens[1].text == "."
    names = (tokens[0], *tokens[2:]) if is_qualified else tokens
    most = 3 if is_qualified else 2
    return len(names) <= most and all(
        token.kind == QUOTED or (token.kind == WORD and token.text.upper() not in _QUERY_STARTS | _WHAT_IT_DOES.keys())
        for token in names
    )


def _explain_length(statement: Statement, words: list[str]) -> int:
    """How many tokens EXPLAIN and its options take; EXPLAIN ANALYZE would run the statement and is no option here."""
    taken = 1
    if words[1:3] == ["QUERY", "PLAN"]:
        taken = 3
    elif words[1:2] == ["("] and words[2:3] and words[2] in _EXPLAIN_OPTIONS:
        taken = words.index(")") + 1 if ")" in words else len(words)
    elif words[1:3] == ["FORMAT", "="]:
        taken = 4
    elif words[1:2] == ["VERBOSE"]:
        taken = 2
    for token, word in zip(statement.tokens[1:taken], words[1:taken], strict=True):
        if word not in _EXPLAIN_OPTIONS | _EXPLAIN_FORMATS | {"QUERY", "PLAN", "(", ")", ",", "="}:
            refuse(statement.sql, "is no harmless option of EXPLAIN", (token.start, token.end))
    if taken >= len(words):
        refuse(statement.sql, "lacks the query to explain", (0, statement.tokens[-1].end))
    if words[taken] in ("ANALYZE", "ANALYSE"):
        token = statement.tokens[taken]
        refuse(statement.sql, "makes EXPLAIN run the statement", (token.start, token.end))
    return taken


def _without_pivot_tails(statement: Statement, words: list[str], text: str) -> tuple[str, ...]:
    """sqlglot cannot read ORDER BY or LIMIT after DuckDB's PIVOT statement: they become pieces of their own."""
    tails = []
    for index, word in enumerate(words):
        if statement.dialect == "duckdb" and word in ("PIVOT", "UNPIVOT") and _starts_statement(words, index):
            start, end = _tail(statement.tokens, words, index)
            if start < end:
                head = "SELECT 1 ".rjust(start)
                tails.append(head + statement.bare[start:end])
                text = text[:start] + " " * (end - start) + text[end:]
    return (text, *tails)


def _starts_statement(words: list[str], index: int) -> bool:
    return index == 0 or words[index - 1] in ("(", "EXPLAIN", ")")


def _tail(tokens: tuple[Token, ...], words: list[str], index: int) -> tuple[int, int]:
    """Where the ORDER BY or LIMIT of the PIVOT at ``index`` begins and ends; equal where it has none."""
    depth, start = 0, 0
    for token, word in zip(tokens[index:], words[index:], strict=True):
        depth += (word in ("(", "[", "{")) - (word in (")", "]", "}"))
        if depth < 0:
            return start or token.start, token.start
        if depth == 0 and not start and token.kind == WORD and word in _PIVOT_TAILS:
            start = token.start
    return start or tokens[-1].end, tokens[-1].end
