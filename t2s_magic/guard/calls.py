"""Which functions may be called: judged by the tokens of the text and, independently, by the tree."""

from __future__ import annotations

from collections import Counter

from sqlglot import exp

from t2s_magic.guard.forms import NAMED_CALLS, span_of
from t2s_magic.guard.functions import function_list
from t2s_magic.guard.text import QUOTED, WORD, Statement, Token, refuse

# Words that may stand before an opening parenthesis without being a function's name.
_KEYWORDS = frozenset(
    """
    ALL AND ANY ARRAY AS ASOF BERNOULLI BETWEEN BY CASE COLUMNS CROSS CUBE DISTINCT ELSE ESCAPE EXCEPT EXCLUDE EXISTS
    FILTER FOR FROM GLOB GROUP GROUPS HAVING ILIKE IN INCLUDE INNER INTERSECT INTERVAL IS ISNULL JOIN LATERAL LEFT LIKE LIMIT
    MATERIALIZED NOT NOTNULL OFFSET ON OR OUTER OVER PARTITION PIVOT QUALIFY RANGE RECURSIVE REGEXP RENAME REPLACE
    RESERVOIR RETURN RIGHT RLIKE ROLLUP ROW ROWS SAMPLE SELECT SEPARATOR SETS SIMILAR SOME STRUCT MAP SYSTEM TABLESAMPLE
    THEN TO UNION UNPIVOT USING VALUES WHEN WHERE WITH WITHIN WINDOW XOR DIV MOD AGAINST COLLATE EXPLAIN FETCH FIRST NEXT
    EXTRACT MATCH FULL NULLS PASSING PERCENT REPEATABLE INDEX KEY SUBPARTITION ONLY OPTIONS CONDITIONAL
    """.split()
)
_TYPES = frozenset(
    """
    BIT CHAR CHARACTER VARCHAR NCHAR NVARCHAR VARBINARY BINARY DECIMAL NUMERIC DEC FLOAT DOUBLE TIMESTAMP TIMESTAMPTZ
    TIME DATETIME INT INTEGER TINYINT SMALLINT BIGINT MEDIUMINT INTERVAL BPCHAR VARYING ENUM STRUCT UNION LIST MAP ROW
    TEXT STRING REAL NUMBER SIGNED UNSIGNED YEAR TIMETZ
    """.split()
)
_OWN_SCHEMAS = {"postgres": ("pg_catalog",), "duckdb": ()}


def refuse_calls(tree: exp.Expr, statement: Statement) -> None:
    """Refuse every call of a function that is not on the dialect's list, wherever it stands."""
    functions = function_list(statement.dialect)
    known = functions.allowed | functions.tables
    aliases = _names_with_column_lists(tree)
    tokens = statement.tokens
    for index, (token, following) in enumerate(zip(tokens, tokens[1:], strict=False)):
        if following.text != "(" or token.kind not in (WORD, QUOTED):
            continue
        if token.kind == WORD and token.text.upper() in _KEYWORDS and not _is_after(tokens, index, "."):
            continue
        name = token.name.lower()
        if aliases[name]:
            aliases[name] -= 1
        elif name not in known and not _is_type(tokens, index):
            refuse(statement.sql, "is not on the list of functions that only compute", (token.start, token.end))
        _refuse_foreign_schema(statement, index)
    for call in tree.find_all(*NAMED_CALLS):
        name = call.name.lower()
        if name not in known:
            refuse(
                statement.sql, "is not on the list of functions that only compute", span_of(call, statement), part=name
            )
        if name not in functions.tables and statement.dialect != "postgres" and isinstance(call.parent, exp.Table):
            refuse(statement.sql, "is not on the list of functions that may stand as a table", span_of(call, statement))
    for operator in tree.find_all(exp.Operator):
        refuse(statement.sql, "names an operator by its schema", span_of(operator, statement))


def _names_with_column_lists(tree: exp.Expr) -> Counter[str]:
    """Aliases such as ``t(a, b)`` and windows: names before a parenthesis that are no calls."""
    named = (alias for alias in tree.find_all(exp.TableAlias) if alias.args.get("columns"))
    return Counter(alias.name.lower() for alias in named)


def _is_after(tokens: tuple[Token, ...], index: int, text: str) -> bool:
    return index > 0 and tokens[index - 1].text == text


def _is_type(tokens: tuple[Token, ...], index: int) -> bool:
    """A type with a length stands after ``::`` or AS, or inside another type or a list of columns with types."""
    return tokens[index].kind == WORD and tokens[index].text.upper() in _TYPES


def _refuse_foreign_schema(statement: Statement, index: int) -> None:
    """A function of another schema may be anyone's; DuckDB writes ``name.upper()`` for ``upper(name)``."""
    tokens = statement.tokens
    if index < 2 or tokens[index - 1].text != ".":
        return
    owner = tokens[index - 2]
    if statement.dialect == "postgres" and owner.name.lower() == "pg_catalog":
        return
    if statement.dialect == "duckdb" and owner.name.lower() not in ("temp", "main", "system", "pg_catalog", "query"):
        return
    refuse(statement.sql, "calls a function of another schema", (owner.start, tokens[index].end))
