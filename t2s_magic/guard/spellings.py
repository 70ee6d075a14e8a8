"""The spellings that an engine knows and sqlglot does not, put into ones that it reads, each in its own place.

Only what sqlglot is shown changes: what runs is the text as it was written. A change blanks a word or an operator, or
gives a name another first letter, and never touches an operand: every name, call and literal is still judged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from t2s_magic.guard.scanner import NUMBER, QUOTED, STRING, SYMBOL, WORD, Token


class Change(NamedTuple):
    """From ``start`` to ``end`` sqlglot reads ``text``, padded with spaces."""

    start: int
    end: int
    text: str = ""


Rule = Callable[[Sequence[Token]], Iterator[Change]]

# PostgreSQL and DuckDB let columns have these names, unquoted; sqlglot does not. They are verbs nowhere that a value
# stands between these neighbours.
_VERBS_THAT_ARE_NAMES = frozenset(
    {"DROP", "INSERT", "ALTER", "REVOKE", "ROLLBACK", "LOCK", "FORCE", "GRANT", "INSTALL"}
)
_BEFORE_A_NAME = frozenset("SELECT DISTINCT ( , WHERE AND OR NOT BY ON = < > + - * / || CASE WHEN THEN ELSE".split())
_AFTER_A_NAME = frozenset(", ) FROM = < > + - * / | : IS IN LIKE BETWEEN AND OR ASC DESC AS LIMIT END THEN".split())
# After AS and after a dot these are names too.
_KEYWORDS_THAT_ARE_LABELS = frozenset({"SELECT", "NOT"})
_TYPES_THAT_ARE_FIELDS = frozenset({"LIST", "ARRAY"})

# sqlglot wants other arguments for these functions than the engines do; under another name it takes any.
_FUNCTIONS_READ_OTHERWISE = frozenset({"apply", "reduce", "json_object"})
_UNDER_ANOTHER_NAME = {f"_{name[1:]}": name for name in _FUNCTIONS_READ_OTHERWISE}
# PostgreSQL writes a constant of a type as ``box '((0,0),(1,1))'``.
TYPES_OF_CONSTANTS = frozenset("BOX CIDR CIRCLE CITEXT LINE LSEG LTREE MACADDR POLYGON TSQUERY TSVECTOR VARBIT".split())
# In XMLTABLE and JSON_TABLE this word stands behind a type, elsewhere it is one.
_PATH = "PATH"
_OPERATOR_MARKS = frozenset("+-*/<>=~!@#%^&|`?")
# Of geometry, between two operands.
_OTHER_OPERATORS = frozenset("?# ?-| ?|| ~= <<| |>> &<| |&> <^ >^ ##".split())
_PREFIX_OPERATORS = frozenset({"|/", "||/", "@"})

# Words that say how an XML function reads its arguments; what sqlglot reads in their place.
_XML_WORDS = {
    "xmlparse": {"DOCUMENT": "", "CONTENT": ""},
    "xmlserialize": {"DOCUMENT": "", "CONTENT": ""},
    "xmlroot": {"VERSION": "", "STANDALONE": ""},
    "xmlpi": {"NAME": ""},
    "xmlexists": {"PASSING": ",", "BY": "", "REF": "", "VALUE": ""},
    "xmltable": {"FOR": "INT", "ORDINALITY": ""},
}


def in_plain_spelling(bare: str, tokens: Sequence[Token], dialect: str) -> str:
    """``bare`` as sqlglot can read it, with all in its place; ``original_function`` undoes another first letter."""
    for rule in _RULES.get(dialect, ()):
        for start, end, text in rule(tokens):
            bare = bare[:start] + text.ljust(end - start) + bare[end:]
    return bare


def operators_by_schema(tokens: Sequence[Token]) -> list[Token]:
    """What stands around the marks in ``OPERATOR(pg_catalog.+)`` and ``OPERATOR(+)``, which mean ``+``.

    Of other schemas it is left, to be refused.
    """
    around: list[Token] = []
    for index, (token, opening) in enumerate(pairwise(tokens)):
        if not (token.kind == WORD and token.text.upper() == "OPERATOR" and opening.text == "("):
            continue
        named = [piece.name.lower() for piece in tokens[index + 2 : index + 4]]
        start = end = index + (4 if named == ["pg_catalog", "."] else 2)
        while end < len(tokens) and tokens[end].kind == SYMBOL and tokens[end].text in _OPERATOR_MARKS:
            end += 1
        if start < end < len(tokens) and tokens[end].text == ")":
            around += (*tokens[index:start], tokens[end])
    return around


def original_function(name: str) -> str:
    """The name of a function as it was written, from the one that sqlglot was shown."""
    return _UNDER_ANOTHER_NAME.get(name.lower(), name)


# --- names --------------------------------------------------------------------------------------------------------


def _names(tokens: Sequence[Token]) -> Iterator[Change]:
    """Verbs that are columns, and keywords that are labels: ``drop``, ``AS select``, ``t.not``, ``payload.list[0]``."""
    for before, token, after in zip(tokens, tokens[1:], (*tokens[2:], None), strict=False):
        word, left, right = token.text.upper(), before.text.upper(), after.text.upper() if after else ","
        is_name = word in _VERBS_THAT_ARE_NAMES and left in _BEFORE_A_NAME and right in _AFTER_A_NAME
        is_label = word in _KEYWORDS_THAT_ARE_LABELS and left in ("AS", ".") and right in _AFTER_A_NAME
        is_field = word in _TYPES_THAT_ARE_FIELDS and left == "." and right == "["
        if token.kind == WORD and (is_name or is_label or is_field):
            yield _renamed(token)


def _functions(tokens: Sequence[Token]) -> Iterator[Change]:
    for index, (token, after) in enumerate(pairwise(tokens)):
        name = token.text.lower()
        if token.kind == WORD and after.text == "(" and name in _FUNCTIONS_READ_OTHERWISE:
            marks = {piece.text.upper() for piece in _arguments(tokens, index + 1)}
            # json_object('a': 1) and json_object('a' VALUE 1) are the standard's, which sqlglot knows.
            if not (name == "json_object" and marks & {":", "VALUE"}):
                yield _renamed(token)


def _renamed(token: Token) -> Change:
    return Change(token.start, token.end, f"_{token.text[1:]}")


def _arguments(tokens: Sequence[Token], opening: int) -> Iterator[Token]:
    """What stands between the parenthesis at ``opening`` and its closing one, but not in inner brackets."""
    depth = 0
    for index in range(opening, len(tokens)):
        token = tokens[index]
        if token.kind == SYMBOL and token.text in ")]}":
            depth -= 1
        if depth == 0 and index > opening:
            return
        if depth == 1:
            yield token
        if token.kind == SYMBOL and token.text in "([{":
            depth += 1


# --- operators ----------------------------------------------------------------------------------------------------


def _prefix_operators(tokens: Sequence[Token]) -> Iterator[Change]:
    """``|/ 16``, ``||/ 27`` and ``@ -5`` take one operand, as a minus does."""
    words = {token.start for token in tokens if token.kind in (WORD, QUOTED)}
    for start, end, text in _operators(tokens):
        # @name is a variable elsewhere; with a space between it is PostgreSQL's absolute value.
        if text in _PREFIX_OPERATORS and not (text == "@" and end in words):
            yield Change(start, end, "-")


def _other_operators(tokens: Sequence[Token]) -> Iterator[Change]:
    for start, end, text in _operators(tokens):
        if text in _OTHER_OPERATORS:
            yield Change(start, end, "+")


def _sort_operators(tokens: Sequence[Token]) -> Iterator[Change]:
    """``ORDER BY x USING >``: the USING of a join is followed by a parenthesis."""
    ends = {start: end for start, end, _ in _operators(tokens)}
    for token, after in pairwise(tokens):
        if token.kind == WORD and token.text.upper() == "USING" and after.start in ends:
            yield Change(token.start, ends[after.start], "ASC")


def _factorials(tokens: Sequence[Token]) -> Iterator[Change]:
    """DuckDB's ``5!``."""
    for before, token, after in zip(tokens, tokens[1:], (*tokens[2:], None), strict=False):
        is_value = before.kind in (NUMBER, WORD, QUOTED) or before.text == ")"
        if token.text == "!" and is_value and (after is None or after.text not in ("=", "~")):
            yield Change(token.start, token.end)


def _operators(tokens: Sequence[Token]) -> Iterator[Change]:
    """Marks without a gap between them, which PostgreSQL reads as one operator."""
    start, end, text = 0, -1, ""
    for token in tokens:
        is_mark = token.kind == SYMBOL and token.text in _OPERATOR_MARKS
        if is_mark and token.start == end:
            end, text = token.end, text + token.text
            continue
        if text:
            yield Change(start, end, text)
        start, end, text = (token.start, token.end, token.text) if is_mark else (0, -1, "")
    if text:
        yield Change(start, end, text)


# --- words --------------------------------------------------------------------------------------------------------


def _constants(tokens: Sequence[Token]) -> Iterator[Change]:
    for before, token, after in zip((None, *tokens), tokens, tokens[1:], strict=False):
        word = token.text.upper()
        is_path = word == _PATH and before is not None and before.text.upper() in _BEFORE_A_NAME
        if token.kind == WORD and after.kind == STRING and (word in TYPES_OF_CONSTANTS or is_path):
            yield Change(token.start, token.end)


def _unicode_strings(tokens: Sequence[Token]) -> Iterator[Change]:
    """``U&'\\0061'`` is a literal like any other, and ``UESCAPE '!'`` says which mark escapes in it."""
    for token, after in zip(tokens, (*tokens[1:], None), strict=False):
        if token.kind == STRING and token.text[:2] in ("U&", "u&"):
            yield Change(token.start, token.start + 2)
        elif token.kind == WORD and token.text.upper() == "UESCAPE" and after is not None and after.kind == STRING:
            yield Change(token.start, after.end)


def _similar_substrings(tokens: Sequence[Token]) -> Iterator[Change]:
    """``substring(x SIMILAR 'a' ESCAPE '#')``."""
    for index, (token, after) in enumerate(pairwise(tokens)):
        if token.text.lower() == "substring" and after.text == "(":
            inside = list(_arguments(tokens, index + 1))
            for piece, following in zip(inside, (*inside[1:], None), strict=False):
                is_test = following is not None and following.text.upper() == "TO"
                if piece.text.upper() in ("SIMILAR", "ESCAPE") and piece.kind == WORD and not is_test:
                    yield Change(piece.start, piece.end, ",")


def _grouped_numbers(tokens: Sequence[Token]) -> Iterator[Change]:
    """PostgreSQL's ``1_000``, from version 16 on."""
    for token in tokens:
        if token.kind == NUMBER and "_" in token.text:
            yield Change(token.start, token.end, token.text.replace("_", ""))


def _join_aliases(tokens: Sequence[Token]) -> Iterator[Change]:
    """``JOIN t USING (id) AS j``: read as a condition that holds the same names."""
    for using, as_ in join_aliases(tokens):
        yield Change(using.start, using.end, "ON")
        yield Change(as_.start, as_.end, "=")


def join_aliases(tokens: Sequence[Token]) -> Iterator[tuple[Token, Token]]:
    """The USING and the AS of every join whose common columns get a name of their own."""
    for index, (token, after) in enumerate(pairwise(tokens)):
        if token.kind == WORD and token.text.upper() == "USING" and after.text == "(":
            closing = index + 2
            while closing < len(tokens) and tokens[closing].text != ")":
                closing += 1
            names = tokens[index + 2 : closing]
            is_list = all(name.kind in (WORD, QUOTED) or name.text == "," for name in names)
            behind = tokens[closing + 1 : closing + 3]
            if is_list and len(behind) == 2 and behind[0].text.upper() == "AS" and behind[1].kind in (WORD, QUOTED):
                yield token, behind[0]


def _xml(tokens: Sequence[Token]) -> Iterator[Change]:
    """``xmlparse(DOCUMENT x)``, ``xmlpi(NAME x)``, ``xmlexists(x PASSING BY REF y)``."""
    called: list[str] = []
    for before, token in pairwise(tokens):
        if token.text == "(":
            called.append(before.text.lower())
        elif token.text == ")" and called:
            called.pop()
        elif token.kind == WORD:
            word = token.text.upper()
            words = _XML_WORDS.get(called[-1], {}) if called else {}
            if word in words:
                yield Change(token.start, token.end, words[word])


def _predicates(tokens: Sequence[Token]) -> Iterator[Change]:
    """``x IS DOCUMENT``, ``x IS NOT NORMALIZED``, ``x IS NFC NORMALIZED``: sqlglot takes the word for a column."""
    for before, token in pairwise(tokens):
        left, word = before.text.upper(), token.text.upper()
        if word in ("DOCUMENT", "NORMALIZED") and left in ("IS", "NOT"):
            yield Change(token.start, token.end, "NULL")
        elif word == "NORMALIZED" and left in ("NFC", "NFD", "NFKC", "NFKD"):
            yield Change(before.start, token.end, "NULL")


def _sounds(tokens: Sequence[Token]) -> Iterator[Change]:
    """MySQL's ``x SOUNDS LIKE y``."""
    for token, after in pairwise(tokens):
        if token.kind == WORD and (token.text.upper(), after.text.upper()) == ("SOUNDS", "LIKE"):
            yield Change(token.start, token.end)


def _json_table_defaults(tokens: Sequence[Token]) -> Iterator[Change]:
    """``DEFAULT '0' ON EMPTY`` and ``NULL ON ERROR`` behind a column of MySQL's JSON_TABLE."""
    for index, (first, second, third) in enumerate(zip(tokens, tokens[1:], tokens[2:], strict=False)):
        is_handler = second.text.upper() == "ON" and third.text.upper() in ("EMPTY", "ERROR")
        if not is_handler or first.kind not in (WORD, STRING):
            continue
        if first.text.upper() in ("NULL", "ERROR"):
            yield Change(first.start, third.end)
        elif first.kind == STRING and index and tokens[index - 1].text.upper() == "DEFAULT":
            yield Change(tokens[index - 1].start, third.end)


def _json_table_tests(tokens: Sequence[Token]) -> Iterator[Change]:
    """``found INT EXISTS PATH '$.a'`` among the columns of MySQL's JSON_TABLE."""
    for token, after in pairwise(tokens):
        if token.kind == WORD and (token.text.upper(), after.text.upper()) == ("EXISTS", "PATH"):
            yield Change(token.start, token.end)


def _inner_descriptions(tokens: Sequence[Token]) -> Iterator[Change]:
    """DuckDB's ``FROM (SUMMARIZE orders)`` reads what ``FROM (FROM orders)`` reads."""
    for before, token, after in zip(tokens, tokens[1:], tokens[2:], strict=False):
        if is_inner_description(before, token):
            is_query = after.text.upper() in ("SELECT", "FROM", "WITH", "VALUES", "(", "PIVOT", "UNPIVOT")
            yield Change(token.start, token.end, "" if is_query else "FROM")


def is_inner_description(before: Token, token: Token) -> bool:
    """Whether ``token`` is the verb of a DESCRIBE or SUMMARIZE in parentheses, the second of which is ``before``."""
    return before.text == "(" and token.kind == WORD and token.text.upper() in ("DESCRIBE", "SUMMARIZE")


_RULES: dict[str, tuple[Rule, ...]] = {
    "duckdb": (_names, _functions, _factorials, _inner_descriptions),
    "postgres": (
        _names,
        _functions,
        _prefix_operators,
        _other_operators,
        _sort_operators,
        _constants,
        _xml,
        _predicates,
        _unicode_strings,
        _similar_substrings,
        _grouped_numbers,
        _join_aliases,
    ),
    "mysql": (_sounds, _json_table_defaults, _json_table_tests),
}
