"""Which forms of statement only read: an allowlist of sqlglot's node kinds, with a place and a reason for the rest."""

from __future__ import annotations

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from t2s_magic.errors import UnsafeSqlError
from t2s_magic.guard.functions import function_list
from t2s_magic.guard.text import WORD, Statement, refuse, shown

# Everything a query is made of, function calls aside. A kind that is not here is refused, whatever it means.
QUERY_KINDS = frozenset(
    """
    Add Adjacent Alias Aliases All Any AtIndex AtTimeZone Between BitString BitwiseAnd BitwiseLeftShift BitwiseNot
    BitwiseOr BitwiseRightShift BitwiseXor Boolean Bracket ByteString CTE CharacterSet Column ColumnDef Comprehension
    Cube DPipe DataType DataTypeParam Distance DistanceNd Distinct Div Dot EQ Escape Except ExtendsLeft ExtendsRight
    Fetch Filter ForIn FormatJson From FromTimeZone GT GTE Glob Group GroupingSets Having HavingMax Heredoc HexString ILike
    Identifier IgnoreNulls In IntDiv Intersect Interval IntervalOp IntervalSpan Introducer Is IndexTableHint JSON
    JSONColumnDef JSONExtractQuote JSONKeyValue JSONPath JSONPathFilter JSONPathKey JSONPathRecursive JSONPathRoot
    JSONPathScript JSONPathSelector JSONPathSlice JSONPathSubscript JSONPathUnion JSONPathWildcard JSONSchema JSONValue
    Join Kwarg LT LTE Lambda Lateral Like Limit LimitOptions Literal Match Mod Mul NEQ National Neg Not Null
    NullSafeEQ NullSafeNEQ ObjectIdentifier Offset OnCondition Operator Order Ordered OverflowTruncateBehavior Overlaps Paren
    Pivot PivotAlias PivotAny PositionalColumn PropertyEQ Pseudocolumn PseudoType Qualify RawString
    RecursiveWithSearch RespectNulls Rollup Select SimilarTo Slice Star Sub Subquery Table TableAlias TableColumn
    TableFromRows TableSample TimeUnit TranslateCharacters Tuple UnicodeString Union UnpivotColumns Values Var Variadic
    Where Window WindowSpec With WithinGroup WithOperator PartitionByExcluding
    """.split()
)
ROOTS = (exp.Select, exp.SetOperation, exp.Subquery, exp.Values, exp.Table, exp.Pivot)
NAMED_CALLS = (exp.Anonymous, exp.AnonymousAggFunc)

# What the kinds that people and models write most do, in their words.
_WHAT_IT_DOES = {
    "Delete": "changes data",
    "Insert": "changes data",
    "Update": "changes data",
    "Merge": "changes data",
    "TruncateTable": "changes data",
    "Copy": "reads or writes files",
    "LoadData": "reads files",
    "Create": "changes the database",
    "Drop": "changes the database",
    "Alter": "changes the database",
    "Into": "writes a new table or file",
    "Lock": "locks rows",
    "Set": "changes a setting",
    "Pragma": "reads or changes a setting",
    "Attach": "opens another database",
    "Detach": "closes a database",
    "Use": "changes the session",
    "Transaction": "changes the transaction",
    "Commit": "changes the transaction",
    "Rollback": "changes the transaction",
    "Analyze": "changes the database",
    "Kill": "stops another session",
    "Parameter": "is a variable or a parameter",
    "SessionParameter": "is a variable of the server",
    "Placeholder": "is a parameter without a value",
    "Hint": "changes how the engine runs",
}


def parse(statement: Statement) -> exp.Expr:
    """The tree of ``statement`` (of what EXPLAIN explains), every node of an allowed kind, or UnsafeSqlError."""
    skip = _explain_length(statement)
    first = statement.tokens[skip]
    try:
        trees = sqlglot.parse(" " * first.start + statement.sql[first.start :], dialect=statement.dialect)
    except SqlglotError as error:
        raise UnsafeSqlError(_syntax_message(statement, error), sql=statement.sql) from error
    except RecursionError as error:
        raise UnsafeSqlError(
            "The statement is nested too deeply to be checked. Nothing was run.", sql=statement.sql
        ) from error
    if len(trees) != 1 or trees[0] is None:
        refuse(statement.sql, "is not one statement", (0, len(statement.sql)))
    tree = trees[0]
    if not isinstance(tree, ROOTS):
        what = _WHAT_IT_DOES.get(type(tree).__name__, "is not a query")
        refuse(statement.sql, what, (first.start, first.end), part=first.text.upper())
    _refuse_kinds(tree, statement)
    return tree


def _explain_length(statement: Statement) -> int:
    """How many tokens ``EXPLAIN`` and its harmless options take; EXPLAIN ANALYZE would run the statement."""
    words = [token.text.upper() if token.kind == WORD else token.text for token in statement.tokens]
    if words[0] != "EXPLAIN":
        return 0
    taken = 3 if words[1:3] == ["QUERY", "PLAN"] else 1
    if taken >= len(words) or words[taken] not in ("SELECT", "WITH", "FROM", "VALUES", "TABLE", "(", "PIVOT", "UNPIVOT"):
        refuse(statement.sql, "is not a plain EXPLAIN of a query", _span_of_first(statement, taken + 1))
    if words[taken] == "(" and len(words) > taken + 1 and words[taken + 1] not in ("SELECT", "WITH", "(", "FROM", "VALUES"):
        refuse(statement.sql, "is an option of EXPLAIN; a plain EXPLAIN is allowed", _span_of_first(statement, taken + 2))
    return taken


def _span_of_first(statement: Statement, count: int) -> tuple[int, int]:
    return 0, statement.tokens[min(count, len(statement.tokens)) - 1].end


def _refuse_kinds(tree: exp.Expr, statement: Statement) -> None:
    calls = function_list("kinds").allowed
    for node in tree.walk():
        kind = type(node).__name__
        if kind in QUERY_KINDS or kind in calls or isinstance(node, NAMED_CALLS):
            continue
        what = _WHAT_IT_DOES.get(kind, "is not on the list of what a query may hold")
        refuse(statement.sql, what, span_of(node, statement), part=None if _has_place(node) else kind.upper())


def _has_place(node: exp.Expr) -> bool:
    return any("start" in part.meta for part in node.walk())


def span_of(node: exp.Expr, statement: Statement) -> tuple[int, int]:
    """Where ``node`` stands in the text, as near as sqlglot tells; the whole statement where it does not."""
    places = [(part.meta["start"], part.meta["end"] + 1) for part in node.walk() if "start" in part.meta]
    if not places:
        return 0, len(statement.sql)
    return min(start for start, _ in places), max(end for _, end in places)


def _syntax_message(statement: Statement, error: SqlglotError) -> str:
    reason = str(error).splitlines()[0].split(". Line")[0] if str(error) else "it cannot be read"
    return f"Not valid {statement.dialect} SQL: {shown(reason)}. Nothing was run."
