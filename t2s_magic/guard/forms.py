"""Which forms of statement only read: an allowlist of sqlglot's node kinds, with a place and a reason for the rest."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager

from sqlglot import Token as SqlglotToken
from sqlglot import exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import SqlglotError

from t2s_magic.errors import UnsafeSqlError
from t2s_magic.guard.prefixes import pieces
from t2s_magic.guard.scanner import QUOTED, STRING
from t2s_magic.guard.spellings import original_function
from t2s_magic.guard.text import Statement
from t2s_magic.guard.verdict import refuse, shown

# Everything a query is made of; functions are judged in ``calls``. A kind that is not here is refused, whatever it is.
QUERY_KINDS = frozenset(
    """
    Add Adjacent Alias Aliases All Any AtIndex AtTimeZone Between BitString BitwiseAnd BitwiseLeftShift BitwiseNot
    BitwiseOr BitwiseRightShift BitwiseXor Boolean Bracket ByteString CTE CharacterSet Column ColumnConstraint ColumnDef
    Comprehension Cube DPipe DataType DataTypeParam DefaultColumnConstraint Distance DistanceNd Distinct Div Dot EQ
    Escape Except ExtendsLeft ExtendsRight Fetch Filter ForIn FormatJson From FromTimeZone GT GTE Glob Group
    GroupingSets Having HavingMax Heredoc HexString ILike Identifier IgnoreNulls In IndexTableHint IntDiv Intersect
    Interval IntervalOp IntervalSpan Introducer Is JSON JSONColumnDef JSONExtractQuote JSONKeyValue JSONPath
    JSONPathFilter JSONPathKey JSONPathRecursive JSONPathRoot JSONPathScript JSONPathSelector JSONPathSlice
    JSONPathSubscript JSONPathUnion JSONPathWildcard JSONSchema JSONValue Join Kwarg LT LTE Lambda Lateral Like Limit
    LimitOptions Literal Match Mod Mul NEQ National Neg Not NotNullColumnConstraint Null NullSafeEQ NullSafeNEQ Offset
    OnCondition Order Ordered OverflowTruncateBehavior Overlaps Paren Partition PartitionByExcluding
    PathColumnConstraint Pivot PivotAlias PivotAny PositionalColumn PropertyEQ Pseudocolumn Qualify RawString
    RecursiveWithSearch RespectNulls Rollup Select SimilarTo Slice Star Sub Subquery Table TableAlias TableColumn
    TableFromRows TableSample TimeUnit TranslateCharacters Tuple UnicodeString Union UnpivotColumns Values Var Variadic
    Where Window WindowSpec With WithinGroup
    """.split()
)
ROOTS = (exp.Select, exp.SetOperation, exp.Subquery, exp.Values, exp.Table, exp.Pivot)

# Types of PostgreSQL whose values are names of tables, functions or roles, however they are written.
_NAMES_OF_OBJECTS = re.compile(
    r'(?:.*\.)?"?reg(?:class|collation|config|dictionary|oper|proc|role|namespace|type)', re.I
)

# Kinds that are met inside a query, and what they do, in a person's words.
_WHAT_IT_DOES = {
    **dict.fromkeys(("Delete", "Insert", "Update", "Merge"), "changes data"),
    **dict.fromkeys(("Create", "Drop", "Alter"), "changes the database"),
    **dict.fromkeys(("Parameter", "SessionParameter", "Placeholder"), "is a variable or a parameter"),
    "Command": "is not a query",
    "Copy": "reads or writes files",
    "Hint": "changes how the engine runs",
    "Into": "writes a new table or a file",
    "Lock": "locks rows",
    "Operator": "names an operator by its schema",
}


def parse(statement: Statement) -> tuple[exp.Expr, ...]:
    """The trees of the queries in ``statement``, every node of an allowed kind; UnsafeSqlError for anything else."""
    return tuple(_tree(piece, statement) for piece in pieces(statement))


def _tree(piece: str, statement: Statement) -> exp.Expr:
    dialect = Dialect.get_or_raise(statement.dialect)
    try:
        tokens = dialect.tokenize(piece)
        _refuse_disagreement(tokens, piece, statement)
        with quiet_sqlglot():
            trees = dialect.parser().parse(tokens, piece)
    except UnsafeSqlError:
        raise
    except SqlglotError as error:
        raise _not_valid(statement, error) from error
    # sqlglot also lets IndexError, ValueError, AttributeError and RecursionError out on odd text (found by the fuzzer):
    # whatever stops it, the statement was not checked.
    except Exception as error:
        message = f"This {statement.dialect} statement cannot be read, so it was not run."
        raise UnsafeSqlError(message, sql=statement.sql, span=(0, len(statement.sql))) from error
    tree = trees[0] if len(trees) == 1 else None
    if tree is None:
        refuse(statement.sql, "is not one statement", (0, len(statement.sql)))
    _refuse_kinds(tree, statement)
    _restore_names(tree, statement)
    return tree


@contextmanager
def quiet_sqlglot() -> Iterator[None]:
    """sqlglot warns on stderr of syntax and paths that it does not know; the refusal, or the engine, says it better."""
    logger = logging.getLogger("sqlglot")

    def is_for_people(_: logging.LogRecord) -> bool:
        return False

    logger.addFilter(is_for_people)
    try:
        yield
    finally:
        logger.removeFilter(is_for_people)


def _refuse_disagreement(tokens: list[SqlglotToken], piece: str, statement: Statement) -> None:
    """Where sqlglot and our scanner disagree about what is a literal or a quoted name, nobody knows."""
    ours = {_quote_place(token.text, token.start) for token in statement.tokens if token.kind in (STRING, QUOTED)}
    theirs = set()
    for token in tokens:
        text = piece[token.start : token.end + 1]
        if text[-1:] in "'\"`$" or (text[:1] == "[" and len(text) > 1):
            theirs.add(_quote_place(text, token.start))
    seen = {place for place in ours if piece[place[1] - 1 : place[1]].strip()}
    for start, end in seen ^ theirs:
        refuse(statement.sql, "is read as text by some engines and not by others", (start, end))


def _quote_place(text: str, start: int) -> tuple[int, int]:
    """From the opening quote on: sqlglot cuts the x of ``x'1F'`` off in some dialects."""
    opening = min(place for mark in "'\"`$[" if (place := text.find(mark)) >= 0)
    return start + opening, start + len(text)


def _refuse_kinds(tree: exp.Expr, statement: Statement) -> None:
    if not isinstance(tree, ROOTS):
        refuse(statement.sql, "is not a query", (0, len(statement.sql)))
    for node in tree.walk():
        kind = type(node).__name__
        if kind not in QUERY_KINDS and not isinstance(node, exp.Func):
            what = _WHAT_IT_DOES.get(kind, "is not on the list of what a query may hold")
            refuse(statement.sql, what, span_of(node, statement), part=kind.upper())
        if isinstance(node, exp.DataType) and _NAMES_OF_OBJECTS.match(str(node.args.get("kind") or "")):
            refuse(
                statement.sql, "looks a name up in the catalogue", span_of(node, statement), part=str(node.args["kind"])
            )
        if isinstance(node, exp.CTE) and not isinstance(node.this, ROOTS):
            refuse(statement.sql, "is not a query", span_of(node, statement))
        if isinstance(node, exp.Select) and not node.expressions and not node.args.get("from_"):
            refuse(statement.sql, "selects nothing", span_of(node, statement))


def _restore_names(tree: exp.Expr, statement: Statement) -> None:
    """Give names that ``Statement.bare`` spells in another way their own spelling back."""
    for call in tree.find_all(exp.Anonymous):
        if call.name != (written := original_function(call.name)):
            call.set("this", written)
    for name in tree.find_all(exp.Identifier):
        start = name.meta.get("start")
        if start is not None and name.name.startswith("_") and not name.args.get("quoted"):
            name.set("this", statement.sql[start : start + len(name.name)])


def span_of(node: exp.Expr, statement: Statement) -> tuple[int, int]:
    """Where ``node`` stands in the text, as near as sqlglot tells; the whole statement where it does not."""
    places = [(part.meta["start"], part.meta["end"] + 1) for part in node.walk() if "start" in part.meta]
    if not places:
        return 0, len(statement.sql)
    return min(start for start, _ in places), max(end for _, end in places)


def _not_valid(statement: Statement, error: SqlglotError) -> UnsafeSqlError:
    """What sqlglot stumbled over, where it stands, and why, in a person's words."""
    sql, found = statement.sql, getattr(error, "errors", None)
    if not found:
        message = f"Not valid {statement.dialect} SQL: a name, a literal or a comment has no end. Nothing was run."
        return UnsafeSqlError(message, sql=sql, span=(0, len(sql)))
    first = found[0]
    before = sum(len(line) + 1 for line in sql.split("\n")[: first["line"] - 1])
    end = min(before + first["col"], len(sql))
    start = max(end - len(first["highlight"]), 0)
    what, _, expected = first["description"].partition("Expecting ")
    reason = f"comes where {expected} is expected" if expected else "is not expected here"
    if "Required keyword" in what:
        reason = "comes where a part of the statement is missing"
    where = f" at line {first['line']}" if "\n" in sql else ""
    message = f"Not valid {statement.dialect} SQL: {shown(sql[start:end])}{where} {reason}. Nothing was run."
    return UnsafeSqlError(message, sql=sql, part=sql[start:end], span=(start, end))
