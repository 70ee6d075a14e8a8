"""A grammar that a server can hold an LM to: the adapter's output format around one SELECT over one schema.

It is written in EBNF as xgrammar reads it, which vLLM takes in ``structured_outputs``. A grammar cannot know which
names a statement has declared, so it draws the line where it can: a SELECT that reads tables alone names only tables
and columns of the schema. A name of the statement's own may stand after AS, as a table's alias, before the point of a
column, in GROUP BY, HAVING, QUALIFY and ORDER BY, and wherever a derived table is read; a statement that begins with
WITH may also read from names of its own. The guard checks every name afterwards, as it does without a grammar.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from t2s_magic.guard.functions import function_list
from t2s_magic.schema.names import quote_if_needed
from t2s_magic.schema.tables import Schema, Table

# A server compiles a grammar before the first token, the longer the more names it holds (docs/serving.md has figures).
# A schema of more columns is held to its tables alone, one of more tables to neither.
MOST_NAMES = 1_500

# Words in capitals are SQL's, in any case; ``w`` is white space, ``o`` is white space or nothing. A rule whose name
# ends in ``@`` stands for three: ``-k`` knows the schema's columns alone, ``-d`` reads derived tables too, and ``-w``
# stands below WITH; ``@@`` is the one of them that takes the statement's own names, here.
_STATEMENT = r"""
statement ::= query-k | WITH w (RECURSIVE w)? common-table (o "," o common-table)* o query-after-with
query-after-with ::= first-t (set-operator block-t)* ordering-w
common-table ::= name (o names)? w AS materialized o "(" o query-t o ")"
query-k ::= block-k (set-operator block-k)* ordering-k
query-t ::= block-t (set-operator block-t)* ordering-w
query-d ::= block-d (set-operator block-d)* ordering-d
query-w ::= block-w (set-operator block-w)* ordering-w
block-k ::= select-k | beside-d | more-block-k
block-t ::= first-t | more-block-w
first-t ::= select-k | beside-w
block-d ::= select-d | more-block-d
block-w ::= select-w | more-block-w
set-operator ::= w (UNION (w ALL)? | more-sets) w
source-k ::= known-table (w (AS w)? name)?
source-d ::= source-k | derived-d
source-w ::= source-k | derived-w
derived-d ::= "(" o query-k o ")" derived-alias | more-derived-d
derived-w ::= "(" o query-t o ")" derived-alias | more-derived-w | name (w (AS w)? name)?
derived-alias ::= (o (AS w)? name (o names)?)?
names ::= "(" o name (o "," o name)* o ")"
"""

_SELECT = r"""
select@ ::= SELECT w (distinct@ w)? item@ (o "," o item@)* w FROM w source@ joined@* filtered@
  | SELECT w (distinct@ w)? value@ (o "," o value@)* (w WHERE w expression@)?
item@ ::= (qualifier ".")? "*" but | value@
value@ ::= expression@ (w (AS w)? result-name)?
joined@ ::= o "," o source@ | w (join-kind w)? JOIN w source@ on@ | w join-without-on w JOIN w source@
on@ ::= w ON w expression@ | w USING o "(" o name@ (o "," o name@)* o ")"
filtered@ ::= (w WHERE w expression@)? (w GROUP w BY w groups@)? (w HAVING w expression@@)? windows@? qualify@
groups@ ::= group@ (o "," o group@)* with-rollup
group@ ::= expression@ | name | more-group@
windows@ ::= w WINDOW w name w AS o "(" o window@ o ")" (o "," o name w AS o "(" o window@ o ")")*
ordering@ ::= (w ORDER w BY w orders@@)? limits
orders@ ::= order@ (o "," o order@)*
order@ ::= expression@ (w (ASC | DESC))? (w NULLS w (FIRST | LAST))?
"""

# Only beside tables of the schema: at least one derived table is read, so names may be the statement's own.
_BESIDE = r"""
beside@ ::= SELECT w (distinct@ w)? item@ (o "," o item@)* w FROM w from-beside@ filtered@
from-beside@ ::= derived@ joined@* | source-k joined-known@* joined-derived@ joined@*
joined-known@ ::= o "," o source-k | w (join-kind w)? JOIN w source-k on@ | w join-without-on w JOIN w source-k
joined-derived@ ::= o "," o derived@ | w (join-kind w)? JOIN w derived@ on@? | w join-without-on w JOIN w derived@
"""

_EXPRESSION = r"""
expression@ ::= (NOT w)? term@ operation@*
operation@ ::= w (AND | OR) w (NOT w)? term@ | o symbol o term@ | o "-" (w term@ | positive@) | w word w term@ | w test@
  | more-operation@
test@ ::= IS w (NOT w)? (NULL | TRUE | FALSE) | (NOT w)? (LIKE w sum@ (w ESCAPE w string)? | BETWEEN w sum@ w AND w sum@
  | IN o list@)
sum@ ::= term@ (o ("+" | "*" | "/" | "||") o term@ | o "-" (w term@ | positive@))*
term@ ::= "-" o positive@ | positive@
positive@ ::= primary@ suffix@*
primary@ ::= literal | column@ | call@ | case@ | list@ | EXISTS o "(" o query@ o ")"
  | CAST o "(" o expression@ w AS w type o ")" | more-primary@
list@ ::= "(" o (query@ | expressions@) o ")"
expressions@ ::= expression@ (o "," o expression@)*
case@ ::= CASE (w expression@)? (w WHEN w expression@ w THEN w expression@)+ (w ELSE w expression@)? w END
call@ ::= called@ after-call@ (w OVER (o "(" o window@ o ")" | w name))?
called@ ::= function o "(" o (DISTINCT w)? expressions@ o ")" | COUNT o "(" o "*" o ")" | constant o "(" o ")"
  | collecting o "(" o collected@ o ")"
window@ ::= (PARTITION w BY w expressions@)? | (PARTITION w BY w expressions@ w)? ORDER w BY w orders@ (w frame)? | name
"""

_WORDS = r"""
column-k ::= (qualifier ".")? known-column
column-d ::= (qualifier ".")? name
column-w ::= (qualifier ".")? name
name-k ::= known-column
name-d ::= name
name-w ::= name
qualifier ::= name | known-table
literal ::= number | string | NULL | TRUE | FALSE | CURRENT_DATE | CURRENT_TIME | CURRENT_TIMESTAMP | more-literal
number ::= [0-9]{1,20} ("." [0-9]{1,20})? exponent? | "." [0-9]{1,20} exponent?
exponent ::= [eE] [-+]? [0-9]{1,3}
limits ::= (w LIMIT w count (w OFFSET w count)?)? | more-limits
count ::= [0-9]{1,10}
frame ::= (ROWS | RANGE) w (UNBOUNDED w PRECEDING | BETWEEN w from-bound w AND w to-bound)
from-bound ::= (UNBOUNDED | distance) w PRECEDING | CURRENT w ROW
to-bound ::= (UNBOUNDED | distance) w FOLLOWING | CURRENT w ROW
unit ::= (YEAR | QUARTER | MONTH | WEEK | DAY | HOUR | MINUTE | SECOND) more-units
type ::= type-name | (VARCHAR | CHAR) o "(" o [0-9]{1,3} o ")" | more-types
  | (NUMERIC | DECIMAL) o "(" o [0-9]{1,2} (o "," o [0-9]{1,2})? o ")"
type-name ::= INTEGER | INT | BIGINT | SMALLINT | REAL | FLOAT | DOUBLE | NUMERIC | DECIMAL | TEXT | VARCHAR | CHAR
  | DATE | DATETIME | TIME | TIMESTAMP | BOOLEAN
name ::= [a-zA-Z_\u00c0-\u024f\u0370-\ud7ff] [a-zA-Z0-9_\u00c0-\u024f\u0370-\ud7ff]{0,62} | quoted-name
w ::= [ \t\r\n]{1,60}
o ::= [ \t\r\n]{0,60}
"""

# What dialects add. A rule is the alternatives of _COMMON, if it stands there, and those of its dialect.
_NOTHING = '""'
_COMMON = {
    "symbol": '"=" | "<>" | "!=" | "<" | "<=" | ">" | ">=" | "+" | "*" | "/" | "%" | "||"',
    "distinct@": "DISTINCT",
    "join-kind": "(LEFT | RIGHT | FULL) (w OUTER)? | INNER",
    "join-without-on": "NATURAL (w LEFT)? | CROSS",
    "after-call@": _NOTHING,
    "collected@": "(DISTINCT w)? expressions@ w ORDER w BY w orders@",
    "distance": "number",
    "result-name": "name",
    **dict.fromkeys(("materialized", "but", "with-rollup", "qualify@", "more-units"), _NOTHING),
}
_STRING = r""""'" ([^'\x00-\x1f] | "''")* "'" """
_DOUBLE_QUOTED = r""""\"" [^"\\\x00-\x1f]{1,63} "\"" """
_IN_BACKTICKS = r""""`" [^`\\\x00-\x1f]{1,63} "`" """
_VALUES = 'VALUES o row@ (o "," o row@)*'
_ROW = '"(" o expressions@ o ")"'
_FILTER = 'w FILTER o "(" o WHERE w expression@ o ")"'
_INTERVAL = 'INTERVAL w (string (w unit)? | number w unit | "(" o expression@ o ")" w unit)'
_EXTRACT = 'EXTRACT o "(" o (unit | DOW | DOY | EPOCH) w FROM w expression@ o ")"'
_COUNTED_IN = '(TIMESTAMPDIFF | TIMESTAMPADD) o "(" o unit o "," o expressions@ o ")"'
_TYPED = "(DATE | TIMESTAMP) w string"
_QUANTIFIED = 'o ("=" | "<>" | "<" | "<=" | ">" | ">=") o (ANY | ALL | SOME) o "(" o (query@ | expression@) o ")"'
_SPELLED = (
    'SUBSTRING o "(" o expression@ w FROM w expression@ (w FOR w expression@)? o ")" | POSITION o "(" o sum@ w IN w '
    'expression@ o ")" | TRIM o "(" o ((BOTH | LEADING | TRAILING) w)? (sum@ w)? FROM w sum@ o ")"'
)
_NOT_DISTINCT = "IS w (NOT w)? DISTINCT w FROM"
_GROUPINGS = '(ROLLUP | CUBE) o list@ | GROUPING w SETS o "(" o set@ (o "," o set@)* o ")"'
_SET = '"(" o expressions@? o ")" | expression@'
_POSTGRES_SUFFIX = (
    'o "::" o type | o "[" o (expression@ (o ":" o expression@?)? | ":" o expression@) o "]" | w COLLATE w name '
    "| w AT w TIME w ZONE w string"
)
_TABLE_CALL = (
    '(LATERAL w)? ("(" o query@ o ")" | table-function o "(" o expressions@ o ")" with-ordinality) derived-alias'
)
_FETCH = "(w OFFSET w count)? (w FETCH w (FIRST | NEXT) w count w (ROW | ROWS) w ONLY)? | w LIMIT w ALL"
_POSTGRES_TYPES = (
    'type-name o "[]" | (INT | FLOAT) [248] | DOUBLE w PRECISION | BOOL | INTERVAL | JSON | JSONB | UUID | BYTEA '
    "| BLOB | TIMESTAMPTZ | TINYINT | HUGEINT | (TIMESTAMP | TIME) w (WITH | WITHOUT) w TIME w ZONE"
)
_DIALECTS: Mapping[str, Mapping[str, str]] = {
    "sqlite": {
        "symbol": '"==" | "&" | "|" | "<<" | ">>" | "->" | "->>"',
        "word": f"(NOT w)? (GLOB | REGEXP) | IS (w NOT)? | {_NOT_DISTINCT}",
        "more-operation@": "w (ISNULL | NOTNULL)",
        "suffix@": "w COLLATE w name",
        "string": _STRING,
        # A text in double quotes is read as a text where no column has that name, and many write it so.
        "more-primary@": _DOUBLE_QUOTED,
        "more-literal": '[xX] "\'" ([0-9a-fA-F] [0-9a-fA-F])* "\'"',
        "quoted-name": f"{_DOUBLE_QUOTED} | {_IN_BACKTICKS}",
        "result-name": "string",
        "more-block@": _VALUES,
        "row@": _ROW,
        "more-sets": "INTERSECT | EXCEPT",
        "more-derived@": 'table-function o "(" o expressions@ o ")" derived-alias',
        "table-function": "JSON_EACH | JSON_TREE | GENERATE_SERIES",
        "more-group@": "number",
        "after-call@": _FILTER,
        "more-limits": 'w LIMIT w count o "," o count',
        "materialized": "w (NOT w)? MATERIALIZED",
        "more-types": "DOUBLE w PRECISION | BLOB",
    },
    "duckdb": {
        "symbol": '"==" | "&" | "|" | "<<" | ">>" | "->" | "->>" | "//" | "**" | "^" | "~" | "&&" | "@>" | "<@"',
        "word": f"(NOT w)? (ILIKE | GLOB | SIMILAR w TO) | {_NOT_DISTINCT}",
        "more-operation@": f"w (ISNULL | NOTNULL) | {_QUANTIFIED}",
        "suffix@": _POSTGRES_SUFFIX,
        "string": _STRING,
        "more-primary@": f'TRY_CAST o "(" o expression@ w AS w type o ")" | {_INTERVAL} | {_EXTRACT} | {_SPELLED} '
        '| "[" o (expressions@ o)? "]" | "{" o field@ (o "," o field@)* o "}"',
        "field@": '(string | name) o ":" o expression@',
        "more-literal": _TYPED,
        "quoted-name": _DOUBLE_QUOTED,
        "distinct@": 'DISTINCT w ON o "(" o expressions@ o ")"',
        "but": 'w EXCLUDE (o names | w name) | w REPLACE o "(" o expression-k w AS w name o ")"',
        "qualify@": "w QUALIFY w expression@@",
        "join-kind": "ASOF (w LEFT)? | SEMI | ANTI",
        "join-without-on": "POSITIONAL",
        "more-block@": f'"(" o query@ o ")" | {_VALUES}',
        "row@": _ROW,
        "more-sets": "(INTERSECT | EXCEPT) (w ALL)?",
        "more-derived@": _TABLE_CALL,
        "with-ordinality": "(w WITH w ORDINALITY)?",
        "table-function": "GENERATE_SERIES | RANGE | UNNEST | JSON_EACH",
        "more-group@": f"ALL | {_GROUPINGS}",
        "set@": _SET,
        "after-call@": f'{_FILTER} | w WITHIN w GROUP o "(" o ORDER w BY w orders@ o ")"',
        "more-limits": _FETCH,
        "materialized": "w (NOT w)? MATERIALIZED",
        "more-units": "[sS]",
        "distance": "INTERVAL w (string (w unit)? | number w unit)",
        "more-types": _POSTGRES_TYPES,
    },
    "postgres": {
        "symbol": '"&" | "|" | "<<" | ">>" | "->" | "->>" | "^" | "~" | "~*" | "!~" | "!~*" | "#>" | "#>>" | "@>" '
        '| "<@" | "?" | "&&" | "@@"',
        "word": f"(NOT w)? (ILIKE | SIMILAR w TO) | {_NOT_DISTINCT}",
        "more-operation@": f"w (ISNULL | NOTNULL) | {_QUANTIFIED} | w (NOT w)? (LIKE | ILIKE) w (ANY | ALL) o list@",
        "suffix@": _POSTGRES_SUFFIX,
        "string": _STRING,
        "more-primary@": f'{_INTERVAL} | {_EXTRACT} | {_SPELLED} | ARRAY o ("[" o (expressions@ o)? "]" '
        '| "(" o query@ o ")") | ROW o list@',
        "more-literal": f"{_TYPED} | LOCALTIME | LOCALTIMESTAMP",
        "quoted-name": _DOUBLE_QUOTED,
        "distinct@": 'DISTINCT w ON o "(" o expressions@ o ")"',
        "more-block@": f'"(" o query@ o ")" | {_VALUES}',
        "row@": _ROW,
        "more-sets": "(INTERSECT | EXCEPT) (w ALL)?",
        "more-derived@": _TABLE_CALL,
        "with-ordinality": "(w WITH w ORDINALITY)?",
        "table-function": "GENERATE_SERIES | UNNEST | (JSON | JSONB) (_ARRAY_ELEMENTS | _EACH) (_TEXT)? "
        "| STRING_TO_TABLE | REGEXP_SPLIT_TO_TABLE",
        "more-group@": _GROUPINGS,
        "set@": _SET,
        "after-call@": f'{_FILTER} | w WITHIN w GROUP o "(" o ORDER w BY w orders@ o ")"',
        "more-limits": _FETCH,
        "materialized": "w (NOT w)? MATERIALIZED",
        "distance": "INTERVAL w string",
        "more-types": _POSTGRES_TYPES,
    },
    "mysql": {
        "symbol": '"&" | "|" | "<<" | ">>" | "->" | "->>" | "^" | "&&" | "<=>"',
        "word": "XOR | DIV | MOD | (NOT w)? (REGEXP | RLIKE)",
        "more-operation@": _QUANTIFIED,
        "suffix@": "w COLLATE w name",
        # A backslash before a quotation mark makes it part of the text.
        "string": r""""'" ([^'\\\x00-\x1f] | "''" | "\\" [^\x00-\x1f])* "'" | "\"" ([^"\\\x00-\x1f] | "\"\"")* "\"" """,
        "more-primary@": f"{_INTERVAL} | {_EXTRACT} | {_SPELLED} | {_COUNTED_IN} | BINARY w primary@ | ROW o list@ "
        '| CONVERT o "(" o expression@ w USING w name o ")"',
        "more-literal": _TYPED,
        "quoted-name": _IN_BACKTICKS,
        "result-name": "string",
        "more-block@": '"(" o query@ o ")"',
        "more-sets": "(INTERSECT | EXCEPT) (w ALL)?",
        "more-derived@": 'LATERAL w "(" o query@ o ")" derived-alias',
        "more-group@": "number",
        "with-rollup": "w WITH w ROLLUP",
        "collected@": "(DISTINCT w)? expressions@ (w ORDER w BY w orders@)? w SEPARATOR w string",
        "more-limits": 'w LIMIT w count o "," o count',
        "more-units": "_MONTH | _HOUR | _MINUTE",
        "distance": "INTERVAL w number w unit",
        "more-types": "(SIGNED | UNSIGNED) (w INTEGER)? | BINARY | JSON | YEAR",
    },
}

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# The marks that may stand around any name.
_MARKS = {"mysql": (("`", "`"),), "sqlite": (('"', '"'), ("`", "`"), ("[", "]"))}
# Each mode, and the one in which names of the statement's own may stand.
_MODES = (("-k", "-d"), ("-d", "-d"), ("-w", "-w"))
# Rules of their own spell these, or they open no call at all.
_NO_CALLS = frozenset("all any case cast exists extract interval some try_cast values".split())
# Called without arguments, and those whose arguments may be put in order.
_CONSTANTS = frozenset(
    """
    now today random rand pi uuid gen_random_uuid curdate curtime sysdate utc_date utc_time utc_timestamp
    clock_timestamp row_number rank dense_rank percent_rank cume_dist
    """.split()
)
_COLLECTING = frozenset("string_agg group_concat array_agg list first last json_agg jsonb_agg json_group_array".split())
# What SQLite cannot read as a name; the rest of what others reserve it can ("range", "position").
_NEVER_BARE = frozenset(
    """
    all alter and as between by case check collate create cross default delete distinct drop else escape except exists
    foreign from full glob group having in index inner insert intersect into is isnull join left like limit natural not
    notnull null of offset on or order outer primary references regexp right select set table then to union unique
    update using values when where with
    """.split()
)
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|\[(?:[^\]\\]|\\.)*\]|(?P<word>\b[A-Z_][A-Z_]+\b)')


def select_grammar(schema: Schema, *, has_reasoning: bool = False) -> str:
    """The grammar of an answer to a question about ``schema``, as text; "" for a dialect that none is written for.

    With ``has_reasoning`` free text comes before the statement, which then stands in a fence.
    """
    if schema.dialect not in _DIALECTS:
        return ""
    own = _rules_of(schema.dialect)
    text = "\n".join(
        [
            _answer(has_reasoning),
            _STATEMENT.strip(),
            _in_modes(_SELECT + _EXPRESSION + own["@"], _MODES),
            _in_modes(_BESIDE, _MODES[1:]),
            _WORDS.strip(),
            own[""],
        ]
    )
    functions = function_list(schema.dialect).allowed
    names = {
        "function": _either(functions - _NO_CALLS - _CONSTANTS),
        "constant": _either(functions & _CONSTANTS),
        "collecting": _either(functions & _COLLECTING),
        "known-table": _known_tables(schema),
        "known-column": _known_columns(schema),
    }
    return "\n".join([text, *_keywords(text), *(f"{name} ::= {body}" for name, body in names.items())])


def _answer(has_reasoning: bool) -> str:
    fenced = '"```" [a-zA-Z]* "\\n" o statement (o ";")? o "```"'
    return f"root ::= [^`]* {fenced}" if has_reasoning else f'root ::= o (statement (o ";")? | {fenced})'


def _rules_of(dialect: str) -> dict[str, str]:
    """The dialect's own rules: under "@" those that stand for three, under "" the rest."""
    own = _DIALECTS[dialect]
    bodies = {name: " | ".join(filter(None, (_COMMON.get(name), own.get(name)))) for name in {**_COMMON, **own}}
    return {
        end: "\n".join(f"{name} ::= {body}" for name, body in bodies.items() if name.endswith("@") == bool(end))
        for end in ("@", "")
    }


def _in_modes(rules: str, modes: Iterable[tuple[str, str]]) -> str:
    """The rules once for each mode, as their names say."""
    copies = (re.sub(r"(?<=[a-z])@", mode, re.sub(r"(?<=[a-z])@@", own, rules.strip())) for mode, own in modes)
    return "\n".join(copies)


def _keywords(text: str) -> list[str]:
    """A rule for each word in capitals outside of quotes and classes: the word in any case."""
    words = {match["word"] for match in _TOKEN.finditer(text) if match["word"]}
    return [f"{word} ::= {_in_any_case(word)}" for word in sorted(words)]


def _known_tables(schema: Schema) -> str:
    if len(schema.tables) > MOST_NAMES:
        return '(name o "." o)* name'
    return " | ".join(dict.fromkeys(way for table in schema.tables for way in _table(table, schema.dialect))) or "name"


def _table(table: Table, dialect: str) -> Iterable[str]:
    """The table by its name, and with as much of its path as SQL may write."""
    shortest = len(table.path) - len(table.qualifier)
    for start in range(shortest, -1, -1) if table.path else [0]:
        parts = (*(table.path[start:] if table.path else table.qualifier), table.name)
        yield ' "." '.join(_spelled(part, dialect) for part in parts)


def _known_columns(schema: Schema) -> str:
    names = dict.fromkeys(column.name for table in schema.tables for column in table.columns)
    if len(names) > MOST_NAMES:
        return "name"
    rowid = [_in_any_case("rowid")] if schema.dialect == "sqlite" else []
    return " | ".join([*(_spelled(name, schema.dialect) for name in names), *rowid]) or "name"


def _spelled(name: str, dialect: str) -> str:
    """``name`` as it may be written: bare, in any case, where that reaches it; else in quotation marks.

    SQLite and MySQL take marks around any name. Elsewhere a text in the wrong marks (``city = "Paris"``) would be led
    astray to a column, so they are left out where the prompt has none.
    """
    is_bare = quote_if_needed(name, dialect) == name
    if dialect == "sqlite":
        is_bare = is_bare or (bool(_PLAIN.fullmatch(name)) and name.lower() not in _NEVER_BARE)
    marks = _MARKS.get(dialect, () if is_bare else (('"', '"'),))
    quoted = [_literal(f"{opened}{name.replace(closed, closed * 2)}{closed}") for opened, closed in marks]
    return f"({' | '.join([_in_any_case(name), *quoted] if is_bare else quoted)})"


def _either(words: Iterable[str]) -> str:
    return " | ".join(_in_any_case(word) for word in sorted(words) if _PLAIN.fullmatch(word))


def _in_any_case(word: str) -> str:
    return "".join(f"[{letter.lower()}{letter.upper()}]" if letter.isalpha() else f"[{letter}]" for letter in word)


def _literal(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c.isprintable() else f"\\U{ord(c):08x}" for c in escaped) + '"'
