"""Every word of the text must be in the tree: what sqlglot skipped while reading is refused, whatever it means.

A word is accounted for as a plain keyword of a reading statement, as the name of a call (judged in ``calls``), or as
an identifier that the tree holds at least as often as the text does.
"""

from __future__ import annotations

from collections import Counter

from sqlglot import exp

from t2s_magic.guard.scanner import QUOTED, WORD
from t2s_magic.guard.spellings import TYPES_OF_CONSTANTS
from t2s_magic.guard.text import Statement
from t2s_magic.guard.verdict import refuse

KEYWORDS = frozenset(
    """
    ABSENT AGAINST ALL AND ANTI ANY ARRAY AS ASC ASOF ASYMMETRIC AT BERNOULLI BETWEEN BIGINT BINARY BIT BLOB BOOL
    BOOLEAN BOTH BPCHAR BREADTH BY BYTEA CASE CAST CENTURIES CENTURY CHAR CHARACTER COLLATE COLUMNS CONDITIONAL COSTS
    CROSS CUBE CURRENT CURRENT_DATE CURRENT_TIME CURRENT_TIMESTAMP DATE DATETIME DAY DAYS DAY_HOUR DAY_MINUTE
    DAY_SECOND DEC DECADE DECADES DECIMAL DEFAULT DEPTH DESC DESCRIBE DISTINCT DIV DOUBLE DUAL ELSE EMPTY END ENUM
    ERROR ESCAPE EXCEPT EXCLUDE EXISTS EXPANSION EXPLAIN FALSE FETCH FILTER FIRST FLOAT FLOAT4 FLOAT8 FOLLOWING FOR
    FORCE FORMAT FROM FULL GENERIC_PLAN GLOB GROUP GROUPING GROUPS HAVING HOUR HOURS HOUR_MINUTE HOUR_SECOND HUGEINT IF
    IGNORE ILIKE IN INCLUDE INDEX INDEXED INNER INT INT2 INT4 INT8 INTEGER INTERSECT INTERVAL IS ISNULL JOIN JSON JSONB
    KEEP KEY KEYS LAMBDA LANGUAGE LAST LATERAL LEADING LEFT LIKE LIMIT LIST LOCALTIME LOCALTIMESTAMP LONG LONGTEXT MAP
    MATCH MATERIALIZED MEDIUMINT MICROSECOND MICROSECONDS MILLENNIA MILLENNIUM MILLISECOND MILLISECONDS MINUTE MINUTES
    MINUTE_SECOND MOD MODE MONTH MONTHS NAME NATURAL NCHAR NESTED NEXT NFC NFD NFKC NFKD NO NORMALIZED NOT NOTNULL NULL
    NULLS NUMBER NUMERIC NVARCHAR OBJECT OF OFF OFFSET OMIT ON ONLY OR ORDER ORDINALITY OTHERS OUTER OVER OVERLAPS
    PARTITION PASSING PATH PERCENT PIVOT PLACING PLAN POSITIONAL PRECEDING PRECISION QUALIFY QUARTER QUARTERS QUERY
    QUOTES RANGE REAL RECURSIVE REGEXP RENAME REPEATABLE REPLACE RESERVOIR RESPECT RIGHT RLIKE ROLLUP ROW ROWS SAMPLE
    SCALAR SEARCH SECOND SECONDS SELECT SEMI SEPARATOR SETS SIGNED SIMILAR SMALLINT SOME SQL_NO_CACHE STRAIGHT_JOIN
    STRING STRUCT SUMMARIZE SYMMETRIC SYSTEM TABLE TABLESAMPLE TEXT THEN TIES TIME TIMESTAMP TIMESTAMPTZ TIMESTAMP_MS
    TIMESTAMP_NS TIMESTAMP_S TIMETZ TINYINT TO TRADITIONAL TRAILING TREE TRUE UBIGINT UHUGEINT UINTEGER UNBOUNDED UNION
    UNIQUE UNKNOWN UNPIVOT UNSIGNED USE USING USMALLINT UTC UTINYINT UUID VALUE VALUES VARBINARY VARCHAR VARIADIC
    VARYING VERBOSE WEEK WEEKS WHEN WHERE WINDOW WITH WITHIN WITHOUT WRAPPER XML XOR YAML YEAR YEARS YEAR_MONTH ZONE
    """.split()
)
# Harmless in one dialect, and a write or a lock in another.
_DIALECT_KEYWORDS = {
    "duckdb": frozenset({"INTO"}),  # UNPIVOT ... INTO NAME; DuckDB has no SELECT INTO
    "postgres": TYPES_OF_CONSTANTS
    | {"SET", "CYCLE"}  # WITH RECURSIVE ... SEARCH DEPTH FIRST BY id SET position
    | {"CONTENT", "DOCUMENT", "INDENT", "REF", "STANDALONE", "VERSION"}  # of the XML functions
    | {"RETURNING", "UESCAPE", "SUMMARY", "BUFFERS", "MEMORY"},
    "mysql": frozenset({"DISTINCTROW", "FIELDS", "MEMBER", "SOUNDS", "RETURNING", "SHOW"}),
}


def refuse_unread_words(trees: tuple[exp.Expr, ...], statement: Statement) -> None:
    """Refuse the first word or quoted name that no node of ``trees`` accounts for."""
    if not trees:
        return
    keywords = KEYWORDS | _DIALECT_KEYWORDS.get(statement.dialect, frozenset())
    left = _names(trees)
    preceding = ["", *(token.text.upper() for token in statement.tokens)]
    following = [*(token.text for token in statement.tokens[1:]), ""]
    for before, token, after in zip(preceding, statement.tokens, following, strict=False):
        is_of_a_type = before == "CHARACTER" and token.text.upper() == "SET"
        if token.kind not in (WORD, QUOTED) or after == "(" or is_of_a_type:
            continue
        name = token.name.casefold()
        if token.kind == WORD and token.text.upper() in keywords:
            continue
        left[name] -= 1
        if left[name] < 0:
            refuse(statement.sql, "is not understood here", (token.start, token.end))


def _names(trees: tuple[exp.Expr, ...]) -> Counter[str]:
    names: Counter[str] = Counter()
    for tree in trees:
        for node in tree.find_all(exp.Identifier, exp.Var, exp.Introducer, exp.CharacterSet, exp.DataType):
            if isinstance(node, exp.DataType) and not isinstance(node.this, exp.Expr):
                names.update(str(node.args.get("kind") or node.this.value).casefold().split())
            else:
                names[node.name.casefold()] += 1
    return names
