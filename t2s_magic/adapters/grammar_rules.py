"""The rules of ``grammar``: SQL's SELECT in EBNF, what all dialects share and what each adds.

Words in capitals are SQL's, in any case; ``w`` is white space, ``o`` is white space or nothing. A rule whose name ends
in ``@`` stands for three: ``-k`` knows the schema's columns alone, ``-d`` reads derived tables too, and ``-w`` stands
below WITH; ``@@`` is the one of them that takes the statement's own names, here. ``function``, ``constant``,
``collecting``, ``known-table`` and ``known-column`` come from the guard's lists and the schema.
"""

from __future__ import annotations

from collections.abc import Mapping

STATEMENT = r"""
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

SELECT = r"""
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
BESIDE = r"""
beside@ ::= SELECT w (distinct@ w)? item@ (o "," o item@)* w FROM w from-beside@ filtered@
from-beside@ ::= derived@ joined@* | source-k joined-known@* joined-derived@ joined@*
joined-known@ ::= o "," o source-k | w (join-kind w)? JOIN w source-k on@ | w join-without-on w JOIN w source-k
joined-derived@ ::= o "," o derived@ | w (join-kind w)? JOIN w derived@ on@? | w join-without-on w JOIN w derived@
"""

EXPRESSION = r"""
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

WORDS = r"""
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
w ::= [ \t\n]{1,60}
o ::= [ \t\n]{0,60}
"""

# What dialects add. A rule is the alternatives of COMMON, if it stands there, and those of its dialect.
_NOTHING = '""'
COMMON = {
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
# No table is read beside them, so no column can be meant.
_ROW = '"(" o "-"? literal (o "," o "-"? literal)* o ")"'
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
DIALECTS: Mapping[str, Mapping[str, str]] = {
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
