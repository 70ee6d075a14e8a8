"""Which functions may be called: judged by the tokens of the text and, independently, by the tree."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

from sqlglot import exp

from t2s_magic.guard.forms import span_of
from t2s_magic.guard.functions import FunctionList, function_list
from t2s_magic.guard.scanner import QUOTED, WORD, Token
from t2s_magic.guard.text import Statement
from t2s_magic.guard.verdict import refuse
from t2s_magic.schema import Schema

# sqlglot keeps the name of a function that it has no kind for.
NAMED_CALLS = (exp.Anonymous, exp.AnonymousAggFunc)

# Words that may stand before an opening parenthesis without being a function's name.
_KEYWORDS = frozenset(
    """
    AGAINST ALL AND ANY ARRAY AS ASOF BERNOULLI BETWEEN BY CASE COLLATE COLUMNS CONDITIONAL CROSS CUBE DISTINCT DIV
    ELSE ESCAPE EXCEPT EXCLUDE EXISTS EXPLAIN EXTRACT FETCH FILTER FIRST FOR FROM FULL GLOB GROUP GROUPS HAVING ILIKE
    IN INCLUDE INDEX INNER INTERSECT INTERVAL IS ISNULL JOIN KEY LATERAL LEFT LIKE LIMIT MAP MATCH MATERIALIZED MOD
    NEXT NOT NOTNULL NULLS OF OFFSET ON ONLY OPTIONS OR OUTER OVER PARTITION PASSING PERCENT PIVOT QUALIFY RANGE
    RECURSIVE REGEXP RENAME REPEATABLE REPLACE RESERVOIR RETURN RIGHT RLIKE ROLLUP ROW ROWS SAMPLE SELECT SEPARATOR
    SETS SIMILAR SOME STRUCT SUBPARTITION SYSTEM TABLESAMPLE THEN TO UNION UNPIVOT USING VALUES WHEN WHERE WINDOW WITH
    WITHIN XOR
    """.split()
)
# Types that take a length or fields. Where one is called like a function, the tree tells.
_TYPES = frozenset(
    """
    BIGINT BINARY BIT BPCHAR CHAR CHARACTER DATETIME DEC DECIMAL DOUBLE ENUM FLOAT INT INTEGER INTERVAL LIST MAP
    MEDIUMINT NCHAR NUMBER NUMERIC NVARCHAR REAL ROW SIGNED SMALLINT STRING STRUCT TEXT TIME TIMESTAMP TIMESTAMPTZ
    TIMETZ TINYINT UNION UNSIGNED VARBINARY VARCHAR VARYING YEAR
    """.split()
)
# Words without parentheses that read the session, or change what SELECT does; sqlglot takes some for plain names.
_BARE_WORDS = {
    "duckdb": frozenset("CURRENT_ROLE CURRENT_CATALOG CURRENT_SCHEMA".split()),
    "postgres": frozenset(
        "USER CURRENT_USER SESSION_USER SYSTEM_USER CURRENT_ROLE CURRENT_CATALOG CURRENT_SCHEMA".split()
    ),
    "mysql": frozenset(
        """
        CURRENT_ROLE CURRENT_USER SQL_CALC_FOUND_ROWS HIGH_PRIORITY SQL_BUFFER_RESULT OUTFILE DUMPFILE PROCEDURE LOCK
        LOW_PRIORITY
        """.split()
    ),
}


def refuse_calls(trees: tuple[exp.Expr, ...], statement: Statement, schema: Schema | None) -> None:
    """Refuse every call of a function that is not on the dialect's list, wherever it stands.

    ``schema`` tells ``column.upper()`` from a function that a person keeps in a schema of their own.
    """
    functions = function_list(statement.dialect)
    _refuse_bare_words(statement)
    _refuse_written_calls(trees, functions, statement, schema)
    for tree in trees:
        for call in tree.find_all(exp.Func):
            _refuse_call(call, functions, statement)


def _refuse_written_calls(
    trees: tuple[exp.Expr, ...], functions: FunctionList, statement: Statement, schema: Schema | None
) -> None:
    """The text's view: every name before a parenthesis is a keyword, a type, an alias or an allowed function."""
    known = functions.allowed | functions.tables
    aliases = _names_with_column_lists(trees)
    tokens = statement.tokens
    for index, (token, following) in enumerate(pairwise(tokens)):
        if following.text != "(" or token.kind not in (WORD, QUOTED):
            continue
        if token.kind == WORD and token.text.upper() in _KEYWORDS and not _is_after(tokens, index, "."):
            continue
        name = token.name.lower()
        if aliases[name]:
            aliases[name] -= 1
        elif name not in known and not (token.kind == WORD and token.text.upper() in _TYPES):
            refuse(statement.sql, functions.reason(name), (token.start, token.end))
        if _is_after(tokens, index, "."):
            _refuse_foreign_schema(trees, statement, schema, index)


def _refuse_call(call: exp.Expr, functions: FunctionList, statement: Statement) -> None:
    """The tree's view of a call: the same list, and in a table's place the shorter one."""
    if not isinstance(call, NAMED_CALLS):
        kind = type(call).__name__
        if kind not in function_list("kinds").allowed:
            refuse(statement.sql, functions.reason(kind), span_of(call, statement), part=kind.upper())
        return
    name = call.name.lower()
    if name not in functions.allowed | functions.tables:
        refuse(statement.sql, functions.reason(name), span_of(call, statement), part=name)
    stands_as_table = (
        isinstance(call.parent, exp.Table | exp.Lateral | exp.From | exp.Join) and statement.dialect != "postgres"
    )
    if stands_as_table and name not in functions.tables:
        refuse(statement.sql, "is not on the list of functions that may stand as a table", span_of(call, statement))


def _names_with_column_lists(trees: tuple[exp.Expr, ...]) -> Counter[str]:
    """Aliases such as ``t(a, b)`` and windows: names before a parenthesis that are no calls."""
    named = (alias for tree in trees for alias in tree.find_all(exp.TableAlias) if alias.args.get("columns"))
    return Counter(alias.name.lower() for alias in named)


def _is_after(tokens: tuple[Token, ...], index: int, text: str) -> bool:
    return index > 0 and tokens[index - 1].text == text


def _refuse_bare_words(statement: Statement) -> None:
    words = _BARE_WORDS.get(statement.dialect, frozenset())
    for before, token in zip((None, *statement.tokens), statement.tokens, strict=False):
        is_name = before is not None and before.text.upper() in (".", "AS")
        if token.kind == WORD and token.text.upper() in words and not is_name:
            refuse(statement.sql, "asks about the session or changes how the query runs", (token.start, token.end))


def _refuse_foreign_schema(
    trees: tuple[exp.Expr, ...], statement: Statement, schema: Schema | None, index: int
) -> None:
    """A function of another schema may be anyone's; DuckDB writes ``name.upper()`` for ``upper(name)``."""
    owner = statement.tokens[index - 2]
    name = owner.name.lower()
    if statement.dialect == "postgres" and name == "pg_catalog":
        return
    is_method_call = statement.dialect == "duckdb" and name not in ("temp", "main", "system", "pg_catalog")
    is_of_a_value = owner.kind not in (WORD, QUOTED) or schema is None or name in _known_values(trees, schema)
    if is_method_call and is_of_a_value:
        return
    refuse(statement.sql, "calls a function of another schema", (owner.start, statement.tokens[index].end))


def _known_values(trees: tuple[exp.Expr, ...], schema: Schema) -> set[str]:
    """Names, in lower case, that a value may have: columns, aliases, parameters of a lambda."""
    columns = {column.name.lower() for table in schema.tables for column in table.columns}
    kinds = (exp.Alias, exp.TableAlias, exp.Lambda, exp.Comprehension, exp.CTE)
    return columns.union(
        identifier.name.lower()
        for tree in trees
        for named in tree.find_all(*kinds)
        for identifier in named.find_all(exp.Identifier)
        if identifier.parent is named
    )
