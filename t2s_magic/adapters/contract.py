"""The output contract: the one SQL statement in an LM's answer, whatever stands around it."""

from __future__ import annotations

import html
import json
import re

from t2s_magic.errors import NoSqlError

LONGEST_ANSWER = 50_000  # characters
SHOWN_OF_LONG = 2_000
MOST_STATEMENTS = 20

_THINKING = re.compile(r"<(think|thinking|reasoning)>.*?(?:</\1>|\Z)", re.IGNORECASE | re.DOTALL)
_TEMPLATE_TOKEN = re.compile(r"<\|[^|>\n]{1,40}\|>|</s>|\[/?INST\]")
_TAG = re.compile(r"</?(?:sql|query|answer|output|result)>", re.IGNORECASE)
_FENCE = re.compile(r"```[ \t]*([\w+-]*)[ \t]*\n?(.*?)(?:```|\Z)", re.DOTALL)
_ENTITY = re.compile(r"&(?:lt|gt|amp|quot|apos|#39|#x27|#34);", re.IGNORECASE)

# What a statement begins with; words that also begin an English sentence need the words that follow them in SQL.
_BEGINNING = r"""
    (?:\(\s*)*(?:
      SELECT\b
    | WITH\s+(?:RECURSIVE\s+)?["`\w]+\s*(?:\([^()]*\)\s*)?AS\s+(?:(?:NOT\s+)?MATERIALIZED\s*)?\(
    | WITH\s+(?:RECURSIVE\s+)?["`\w]+\s*(?:\([^()]*\)\s*)?AS\(
    | VALUES\s*\(
    | FROM\s+["`\w.]+\s+(?:SELECT|WHERE|JOIN|GROUP|ORDER|LIMIT)\b
    | (?:EXPLAIN|DESCRIBE|SHOW|PRAGMA|ATTACH|DETACH|INSTALL|VACUUM|COPY|CALL)\s+["'`\w(]
    | INSERT\s+(?:OR\s+\w+\s+)?INTO\b | REPLACE\s+INTO\b | DELETE\s+FROM\b | MERGE\s+INTO\b | TRUNCATE\s+(?:TABLE\s+)?\w
    | UPDATE\s+["`\w.]+\s+SET\b
    | (?:CREATE|ALTER|DROP)\s+(?:OR\s+REPLACE\s+)?(?:TEMP(?:ORARY)?\s+)?(?:UNIQUE\s+)?
      (?:TABLE|VIEW|INDEX|SCHEMA|DATABASE|FUNCTION|MACRO|TRIGGER|USER|ROLE|SEQUENCE)\b
    | (?:GRANT|REVOKE)\s+\w+\s+ON\b
    )"""
_STATEMENT = re.compile(rf"(?:\A|(?<=[:`>\n]))[ \t]*(?P<sql>{_BEGINNING})", re.IGNORECASE | re.VERBOSE)
# Last resort, in capitals only: "The query is SELECT name FROM t."
_IN_A_SENTENCE = re.compile(r"(?P<sql>\bSELECT\s.{1,1000}?\bFROM\s)", re.DOTALL)

# Where a statement may end: what lies in quotes, comments and parentheses is stepped over.
_MARK = re.compile(
    r"""
      (?P<skipped>'(?:[^']|'')*' | "(?:[^"]|"")*" | `[^`\n]*` | --[^\n]* | /\*.*?\*/)
    | (?P<open>\() | (?P<close>\)) | (?P<semicolon>;)
    | (?P<continuation>\n\s*(?:Question|Query|User|Human|Input|Schema|Answer|Output|Result|SQL|GPT4\ Correct\ \w+)\s*:)
    | (?P<explanation>\n[ \t]*(?=(?:This|These|Note|Notes|Explanation|The|Here|In|It|I|We|You|Please|If|Let|Hope)\b
        [ \t,:]+[a-z*`"'])|\n[ \t]*(?=\*\*|\#\#|Explanation|Note:))
    | (?P<paragraph>\n[ \t]*\n\s*)
    """,
    re.VERBOSE | re.DOTALL,
)
_GOES_ON = re.compile(
    r"""(?:SELECT|FROM|WHERE|GROUP|ORDER|HAVING|LIMIT|OFFSET|FETCH|UNION|INTERSECT|EXCEPT|JOIN|LEFT|RIGHT|INNER|FULL
    |CROSS|NATURAL|ON|AND|OR|WINDOW|QUALIFY|WHEN|THEN|ELSE|END|AS|ASC|DESC|VALUES|WITH)\b|[(),]|--|/\*""",
    re.IGNORECASE | re.VERBOSE,
)
_WANTS_MORE = re.compile(
    r"(?:\b(?:UNION|ALL|INTERSECT|EXCEPT|DISTINCT|SELECT|FROM|JOIN|WHERE|AND|OR|ON|AS|BY|HAVING|THEN|ELSE)|[(,=<>+|/])\s*\Z",
    re.IGNORECASE,
)


def read_sql(answer: str, *, is_cut: bool = False, max_tokens: int | None = None) -> str:
    """The one statement in ``answer``, without its semicolon; raises NoSqlError, with what there is, otherwise.

    Fences, thinking, a greeting, a ``SQL:`` label, HTML entities, an explanation after it and an invented next question
    are taken off. ``is_cut`` says that the LM was stopped at ``max_tokens``: then nothing is accepted, even if it
    parses. Two different statements are refused, since choosing is a person's act.
    """
    if len(answer) > LONGEST_ANSWER:
        raise NoSqlError(
            f"The model answered {len(answer):,} characters, which is no query. Ask in other words.",
            answer=answer[:SHOWN_OF_LONG],
        )
    text = _TEMPLATE_TOKEN.split(_THINKING.sub("", answer).strip(), maxsplit=1)[0]
    if is_cut:
        raise _cut(answer, text, max_tokens)
    if not text.strip():
        raise NoSqlError("The model gave no SQL: its answer was empty. Ask again, or in other words.")
    statements = list(dict.fromkeys(_statements(text)))
    if not statements:
        raise NoSqlError("The model answered without SQL. Ask in other words, or name another LM.", answer=text.strip())
    if len(statements) > 1:
        raise NoSqlError(
            f"The model wrote {len(statements)} statements; none was run. Pick one and run it.",
            sql=";\n".join(statements),
            answer=text.strip(),
        )
    return statements[0]


def sql_so_far(answer: str) -> str:
    """The beginning of the statement in the beginning of an answer, to show while it is written; "" before it comes."""
    text = _TAG.sub("\n", _TEMPLATE_TOKEN.split(_THINKING.sub("", answer), maxsplit=1)[0])
    _, fence, body = text.partition("```")
    if fence:
        return body.partition("\n")[2].partition("```")[0].strip()
    found = _STATEMENT.search(text)
    return text[found.start("sql") :].rstrip("`").strip() if found else ""


def _cut(answer: str, text: str, max_tokens: int | None) -> NoSqlError:
    so_far = next(iter(_statements(text)), None)
    limit = f"max_tokens ({max_tokens})" if max_tokens else "max_tokens"
    message = f"The model's answer was cut at {limit}; it was not run. Ask for less, or raise max_tokens."
    return NoSqlError(message, sql=so_far, answer=answer.strip())


def _statements(text: str) -> list[str]:
    text = _TAG.sub("\n", _from_json(text))
    fences = [(language.lower(), body) for language, body in _FENCE.findall(text) if body.strip()]
    written = [
        body for language, body in fences if _STATEMENT.search(body) or language in {"sql", "sqlite", "postgresql"}
    ]
    if written:
        return [statement for body in written for statement in _in_plain(_without_entities(body))]
    return _in_plain(_without_entities(text))


def _from_json(text: str) -> str:
    """The text of the one field that holds SQL, where the whole answer is a JSON object."""
    try:
        fields = json.loads(_FENCE.sub(r"\2", text)) if "{" in text[:20] else None
    except (ValueError, RecursionError):
        return text
    named = [fields[name] for name in ("sql", "query", "SQL") if name in fields] if isinstance(fields, dict) else []
    return named[0] if named and isinstance(named[0], str) else text


def _in_plain(text: str) -> list[str]:
    """The statements of a text without fences, in order; no more than ``MOST_STATEMENTS``."""
    statements: list[str] = []
    found = _STATEMENT.search(text) or _IN_A_SENTENCE.search(text)
    while found is not None and len(statements) < MOST_STATEMENTS:
        start = found.start("sql")
        is_inline_code = text[:start].endswith("`") and not text[:start].endswith("``")
        body = text[start:].partition("`")[0] if is_inline_code else text[start:]
        end, rest = _end(body)
        statement = body[:end].strip()
        statements.append(statement.rstrip(".") if found.re is _IN_A_SENTENCE else statement)
        text = rest
        found = _STATEMENT.search(text)
    return statements


def _end(text: str) -> tuple[int, str]:
    """Where the first statement of ``text`` ends, and the text behind it in which another may stand."""
    depth = 0
    for mark in _MARK.finditer(text):
        kind = mark.lastgroup
        if kind == "open":
            depth += 1
        elif kind == "close":
            depth -= 1
        elif kind == "semicolon":
            return mark.start(), _before_continuation(text[mark.end() :])
        elif depth > 0 or kind == "skipped":
            continue
        elif kind == "continuation":
            return mark.start(), ""
        elif kind == "explanation" or not _goes_on(text, mark):
            return mark.start(), _before_continuation(text[mark.end() :])
    return len(text), ""


def _goes_on(text: str, paragraph: re.Match[str]) -> bool:
    """Is what follows a blank line still the same statement?"""
    if _WANTS_MORE.search(text, max(0, paragraph.start() - 20), paragraph.start()):
        return True
    following = text[paragraph.end() :]
    if _STATEMENT.match(following):
        # Common table expressions end in a parenthesis, and then the statement proper begins.
        return text[: paragraph.start()].endswith(")") and bool(re.match(r"WITH\b", text, re.IGNORECASE))
    return bool(_GOES_ON.match(following))


def _before_continuation(text: str) -> str:
    return next((text[: mark.start()] for mark in _MARK.finditer(text) if mark.lastgroup == "continuation"), text)


def _without_entities(text: str) -> str:
    """``text`` with HTML entities read, if one stands where SQL cannot have it: outside of quotes."""
    bare = re.sub(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"", "", text)
    return html.unescape(text) if _ENTITY.search(bare) else text
