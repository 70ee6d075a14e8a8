"""What LMs say around their SQL: the one statement is found, and what is not one statement is refused."""

import contextlib
import time

import pytest

from t2s_magic.adapters import read_sql
from t2s_magic.errors import NoSqlError

SQL = "SELECT name FROM singer WHERE age > 30"


@pytest.mark.parametrize(
    "answer",
    [
        SQL,
        f"{SQL};",
        f"  {SQL} ; \n",
        f"```sql\n{SQL};\n```",
        f"```\n{SQL}\n```",
        f"```sql\n{SQL}",
        f"```SQL {SQL}```",
        f"Sure! Here's the query you asked for:\n\n```sql\n{SQL}\n```\n\nThis lists the singers' names; enjoy!",
        f"Sure! Here's the query: {SQL};",
        f"sql: {SQL}",
        f"SQLQuery: {SQL}",
        f"Answer:\n{SQL}",
        f"<think>\nMaybe SELECT 1; or SELECT 2;\n</think>\n{SQL}",
        f"<think>first</think>\n\n```sql\n{SQL}\n```",
        f"{SQL}\n\nExplanation: it doesn't count those under 30; they're left out.",
        f"{SQL}\n\nThis query selects the names of all singers.",
        f"{SQL}\nThis query doesn't count those who aren't older.",
        f"{SQL};\n\nNote: the age isn't known for all singers.",
        f"{SQL}\n\nQuestion: How many singers are there?\nSQL: SELECT count(*) FROM singer",
        f"{SQL};\n\nQuestion: How many singers are there?\n\nSELECT count(*) FROM singer;",
        f"{SQL}<|end_of_turn|>GPT4 Correct User: SELECT 2",
        f"{SQL}</s>",
        f"`{SQL}`",
        f"You can use `{SQL}` which returns `name`.",
        f"```sql\n{SQL}\n```\nIt returns:\n```\nname\n----\nJoe\n```",
        f"```sql\n{SQL}\n```\nor the same again:\n```sql\n{SQL}\n```",
        f"```sql\n{SQL.replace('>', '&gt;')}\n```",
        f"The query is {SQL}.",
        f"<sql>{SQL}</sql>",
        f"<answer>\n{SQL};\n</answer>\nHope this helps!",
        f'{{"sql": "{SQL}"}}',
        f'```json\n{{"reasoning": "simple", "query": "{SQL};"}}\n```',
        f"[[ ## sql ## ]]\n{SQL}\n\n[[ ## completed ## ]]",
        f"**SQL:** {SQL};",
        f"1. {SQL};",
    ],
)
def test_the_one_statement_is_found(answer):
    assert read_sql(answer) == SQL


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT a FROM t WHERE b = 'x; SELECT 1'",
        "SELECT a FROM t WHERE b = 'it''s; done' AND c = \"d;e\"",
        "SELECT a -- one; two\nFROM t",
        "SELECT a /* one;\n\nThis is it */ FROM t",
        "WITH x AS (\n  SELECT a FROM t\n\n  WHERE b = 1\n),\n\ny AS (SELECT 2)\n\nSELECT * FROM x, y",
        "SELECT a\nFROM t\n\nWHERE b = 1\n\nORDER BY a",
        "SELECT a FROM t\n\nUNION\n\nSELECT b FROM u",
        "(SELECT a FROM t) UNION (SELECT b FROM u)",
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n",
        "SELECT a FROM t WHERE b = 'AT&amp;T'",
        "SELECT a FROM t WHERE b = 'Question: who?\nSQL: none'",
        "VALUES (1, 2)",
        "FROM t SELECT a",
        "select a from t",
        "SELECT `first name` FROM `t`",
        "SELECT CASE\nWHEN a THEN 1\nELSE 2\nEND FROM t",
    ],
)
def test_a_statement_is_not_cut_where_it_goes_on(sql):
    assert read_sql(sql) == sql
    assert read_sql(f"```sql\n{sql};\n```") == sql


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM singer",
        "DROP TABLE singer",
        "INSERT INTO t VALUES (1)",
        "UPDATE t SET a = 1",
        "PRAGMA query_only=0",
    ],
)
def test_a_write_is_handed_on_for_the_guard_to_refuse(sql):
    assert read_sql(f"Sure!\n{sql};") == sql


@pytest.mark.parametrize(
    ("answer", "statements"),
    [
        ("SELECT 1; SELECT 2", "SELECT 1;\nSELECT 2"),
        ("SELECT 1;\nSELECT 2;\nSELECT 3;", "SELECT 1;\nSELECT 2;\nSELECT 3"),
        ("SELECT a FROM t\n\nSELECT b FROM t", "SELECT a FROM t;\nSELECT b FROM t"),
        ("```sql\nSELECT 1\n```\nor\n```sql\nSELECT 2\n```", "SELECT 1;\nSELECT 2"),
        ("SELECT 1;\nAlternatively: SELECT 2;", "SELECT 1;\nSELECT 2"),
        ("SELECT name FROM singer; DROP TABLE singer", "SELECT name FROM singer;\nDROP TABLE singer"),
    ],
)
def test_several_statements_are_shown_and_none_is_chosen(answer, statements):
    with pytest.raises(NoSqlError, match=r"statements; none was run. Pick one") as raised:
        read_sql(answer)
    assert raised.value.sql == statements


@pytest.mark.parametrize("answer", ["", "  \n\t", "<think>SELECT 1</think>", "<think>still thinking SELECT 1"])
def test_an_empty_answer_is_told_and_marked_as_empty(answer):
    with pytest.raises(NoSqlError, match="gave no SQL: its answer was empty") as raised:
        read_sql(answer)
    assert raised.value.answer == ""


@pytest.mark.parametrize(
    "answer",
    [
        "I'm sorry, but I can't answer that.",
        "Which year do you mean?",
        "With regards to the tables, there is no such column.",
        "The singers are listed in the table singer. Please select from the tables.",
        "You should update the table and drop the index.",
        "```\nname\n----\nJoe\n```",
    ],
)
def test_prose_is_no_sql_and_is_kept_as_the_models_words(answer):
    with pytest.raises(NoSqlError, match="answered without SQL") as raised:
        read_sql(answer)
    assert raised.value.answer == answer


def test_an_answer_that_was_cut_is_never_taken_even_if_it_would_parse():
    with pytest.raises(NoSqlError, match=r"cut at max_tokens \(800\); it was not run") as raised:
        read_sql("```sql\nSELECT name FROM singer", is_cut=True, max_tokens=800)
    assert raised.value.sql == "SELECT name FROM singer"


def test_a_cut_answer_without_any_sql_keeps_the_words():
    with pytest.raises(NoSqlError, match="cut at max_tokens;") as raised:
        read_sql("<think>Let me see, the", is_cut=True)
    assert (raised.value.sql, raised.value.answer) == (None, "<think>Let me see, the")


def test_an_answer_beyond_any_query_is_refused():
    with pytest.raises(NoSqlError, match="answered 200,000 characters"):
        read_sql("a " * 100_000)


@pytest.mark.parametrize(
    "answer",
    [
        "a " * 20_000,
        "SELECT " + "(" * 40_000,
        "SELECT " + "/*" * 20_000,
        "the SELECT x " * 3_000,
        "SELECT a\n\n" * 4_000,
        "SELECT 1;" * 4_000,
        "SELECT 'a" + "'" * 40_001,
        "WITH a (b" * 4_000,
        (":" + "\n" * 50) * 800,
        "```sql\n" * 5_000,
        "<think>" * 5_000,
        "&lt;" * 10_000,
    ],
)
def test_no_answer_takes_long_to_read(answer):
    started = time.process_time()
    with contextlib.suppress(NoSqlError):
        read_sql(answer)
    assert time.process_time() - started < 30.0
