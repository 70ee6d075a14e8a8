"""The grammar that a server can hold an LM to: it takes what analysts write, and what it lets through is nearly SQL.

An LM's own server reads it in ``tests/serve``; here a small reader of our own does, so that no server is needed.
"""

import pytest
from grammar_sentences import Grammar
from guard_shop import DIALECTS, legitimate_statements, reads_catalogue, shop_schema

from t2s_magic import guard
from t2s_magic.adapters import read_sql
from t2s_magic.adapters.grammar import MOST_NAMES, select_grammar
from t2s_magic.errors import NoSqlError, UnsafeSqlError
from t2s_magic.schema import Column, Schema, Table

NEEDED = """
SELECT count(*) FROM customer;
select name, city from customer where country = 'France' order by name;
SELECT c.name, sum(o.total) AS spent FROM customer c JOIN orders o ON o.customer_id = c.id GROUP BY c.id ORDER BY
  spent DESC LIMIT 3 OFFSET 1;
SELECT c.name FROM customer AS c LEFT OUTER JOIN orders AS o ON c.id = o.customer_id WHERE o.id IS NULL;
SELECT name FROM customer WHERE id IN (SELECT customer_id FROM orders WHERE total > 50) AND city NOT IN ('Rome',
  'Lyon');
SELECT name FROM customer c WHERE NOT EXISTS (SELECT 1 FROM orders o WHERE o.customer_id = c.id AND o.status =
  'it''s');
SELECT category, CASE WHEN avg(price) > 100 THEN 'dear' ELSE 'fair' END AS class FROM product GROUP BY category
  HAVING count(*) >= 2;
SELECT CASE status WHEN 'open' THEN 1 ELSE 0 END FROM orders;
SELECT CAST(price AS INTEGER), CAST(price AS DECIMAL(10, 2)), -price * 1.5e3 / (1 - .5) FROM product;
SELECT name, row_number() OVER (PARTITION BY country ORDER BY joined DESC) AS position FROM customer;
SELECT id, sum(total) OVER (ORDER BY ordered_at ROWS BETWEEN 6 PRECEDING AND CURRENT ROW) AS running FROM orders;
SELECT id, total - lag(total, 1, 0) OVER w AS step FROM orders WINDOW w AS (PARTITION BY customer_id ORDER BY id);
SELECT id FROM customer UNION ALL SELECT customer_id FROM orders EXCEPT SELECT id FROM product ORDER BY 1;
SELECT * FROM (SELECT country, count(*) AS n FROM customer GROUP BY country) AS counted WHERE n > 1 AND counted.n <
  9;
SELECT c.name, best.total FROM customer c JOIN (SELECT customer_id, max(total) AS total FROM orders GROUP BY
  customer_id) best ON best.customer_id = c.id;
WITH spent AS (SELECT customer_id, sum(total) AS euro FROM orders GROUP BY customer_id), rich AS (SELECT * FROM
  spent WHERE euro > 9) SELECT c.name, r.euro FROM rich r JOIN customer c ON c.id = r.customer_id ORDER BY r.euro;
WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 5) SELECT x FROM n;
SELECT DISTINCT city FROM customer WHERE joined BETWEEN '2020-01-01' AND '2024-12-31' AND email LIKE '%@x.org' OR
  email IS NOT NULL;
SELECT (SELECT count(*) FROM orders) * 1.0 / count(DISTINCT city) FROM customer;
SELECT customer.*, o.total FROM customer, orders o WHERE customer.id = o.customer_id AND (o.total, o.id) IN (SELECT
  max(total), id FROM orders GROUP BY id);
SELECT a.name FROM customer a INNER JOIN orders b USING (id) CROSS JOIN product;
SELECT coalesce(email, 'none'), upper(name), round(avg(id), 2) FROM customer GROUP BY email, 2;
"""
NEEDED_HERE = {
    "sqlite": """
SELECT strftime('%Y-%m', ordered_at) AS month, sum(total) FROM orders GROUP BY month ORDER BY month;
SELECT [name], `city` FROM "customer" WHERE "country" <> 'Spain' AND name GLOB 'A*';
SELECT j.value FROM event e, json_each(e.payload, '$.list') AS j;
SELECT group_concat(name, ', ') FILTER (WHERE country IS NOT 'France'), total(id) FROM customer;
SELECT total FROM orders ORDER BY total DESC LIMIT 1, 2;
SELECT count(*) FROM orders WHERE status = "open";
""",
    "duckdb": """
SELECT country, city, count(*) FROM customer GROUP BY ALL ORDER BY count(*) DESC NULLS LAST;
SELECT c.* EXCLUDE (email) FROM customer c QUALIFY row_number() OVER (PARTITION BY city ORDER BY joined) = 1;
SELECT date_trunc('month', ordered_at)::DATE AS month, sum(total) FILTER (WHERE status = 'open') FROM orders GROUP
  BY 1;
SELECT ordered_at + INTERVAL 1 DAY, EXTRACT(YEAR FROM ordered_at) FROM orders WHERE ordered_at >= DATE '2024-01-01';
SELECT t.day FROM generate_series(DATE '2024-01-01', DATE '2024-01-05', INTERVAL 1 DAY) t(day);
SELECT list_contains(tags, 'a'), tags[1] FROM event, unnest(tags) AS u(tag) WHERE kind ILIKE 'c%';
SELECT string_agg(name, ', ' ORDER BY name DESC), quantile_cont(id, [0.25, 0.75]), TRY_CAST(city AS INTEGER) FROM
  customer GROUP BY city;
""",
    "postgres": """
SELECT DISTINCT ON (country) country, name FROM customer ORDER BY country, joined DESC NULLS LAST;
SELECT EXTRACT(EPOCH FROM (max(ordered_at) - min(ordered_at))) / 3600, round(avg(total)::numeric, 2) FROM orders;
SELECT date_trunc('week', ordered_at)::date AS wk, count(*) FROM orders WHERE ordered_at > now() - INTERVAL '12
  weeks' GROUP BY 1;
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY total), string_agg(status, ', ' ORDER BY status) FROM orders;
SELECT payload -> 'a' ->> 'b', tags[1] FROM event WHERE payload @> '{"a": 1}' AND kind ILIKE 'c%' AND 'a' =
  ANY(tags);
SELECT c.name, l.total FROM customer c CROSS JOIN LATERAL (SELECT total FROM orders o WHERE o.customer_id = c.id
  ORDER BY total DESC LIMIT 1) l;
SELECT country, city, count(*) FROM customer GROUP BY ROLLUP (country, city);
""",
    "mysql": """
SELECT DATE_FORMAT(ordered_at, '%Y-%m') AS month, SUM(total) FROM orders GROUP BY month WITH ROLLUP;
SELECT `name`, `customer`.`city` FROM `customer` WHERE name REGEXP '^A' LIMIT 2, 5;
SELECT * FROM orders WHERE ordered_at >= NOW() - INTERVAL 30 DAY AND ordered_at < DATE_ADD(CURDATE(), INTERVAL 1
  MONTH);
SELECT GROUP_CONCAT(DISTINCT name ORDER BY name DESC SEPARATOR ' / ') FROM customer WHERE city = "Paris";
SELECT TIMESTAMPDIFF(DAY, ordered_at, NOW()), IF(total > 10, 'a\\'b', 'c'), 7 DIV 2 FROM orders;
""",
}
# Of the statements that the guard is tested with: many show what one dialect alone has, comments or EXPLAIN.
TAKEN_OF_ALL = {"sqlite": 0.85, "duckdb": 0.45, "postgres": 0.6, "mysql": 0.65}


@pytest.fixture(scope="module", params=DIALECTS)
def dialect(request) -> str:
    return request.param


@pytest.fixture(scope="module")
def shop_grammar(dialect) -> Grammar:
    return Grammar(select_grammar(shop_schema(dialect)))


def grammar_of(*tables: Table, dialect: str = "sqlite") -> Grammar:
    return Grammar(select_grammar(Schema(dialect, tables)))


PEOPLE = Table("people", (Column("name"), Column("age"), Column("Home Town")))
PETS = Table("pets", (Column("called"), Column("owner")), ("main",))


def test_it_takes_what_analysts_need(dialect, shop_grammar):
    statements = " ".join((NEEDED + NEEDED_HERE[dialect]).split()).split("; ")
    needed = [statement.rstrip(";") for statement in statements]
    assert [statement for statement in needed if not shop_grammar.takes(statement)] == []


def test_it_takes_most_of_what_the_dialect_can_say(dialect, shop_grammar):
    statements = [each.strip() for each in legitimate_statements(dialect) if not reads_catalogue(each)]
    taken = sum(shop_grammar.takes(statement) for statement in statements)
    assert taken / len(statements) >= TAKEN_OF_ALL[dialect]


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM people",
        "SELECT name FROM people; DROP TABLE people",
        "CREATE TABLE x AS SELECT 1",
        "I cannot answer that.",
        "SELECT height FROM people",
        "SELECT p.height FROM people p",
        "SELECT name FROM persons",
        "SELECT name FROM people WHERE heights > 3",
        "SELECT name FROM people WHERE age > (SELECT avg(owned) FROM pets)",
        "SELECT load_extension('x')",
        "SELECT name FROM people JOIN pets ON people.name = pets.ownr",
        "SELECT name\rFROM people",
    ],
)
def test_it_takes_nothing_but_one_select_of_tables_and_columns_that_are_there(statement):
    assert not grammar_of(PEOPLE, PETS).takes(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT NAME, People.AGE FROM PEOPLE",
        'SELECT "Home Town" FROM main.pets JOIN people ON owner = people.name',
        "SELECT name AS who, count(*) AS pets_owned FROM people GROUP BY who ORDER BY pets_owned",
        "SELECT years FROM (SELECT age AS years FROM people)",
    ],
)
def test_names_may_be_spelled_in_any_case_and_a_statement_may_have_its_own(statement):
    assert grammar_of(PEOPLE, PETS).takes(statement)


def test_a_text_in_the_wrong_quotation_marks_is_not_led_to_a_column():
    people = Table("people", (Column("name"), Column("paris")))
    assert not grammar_of(people, dialect="postgres").takes('SELECT name FROM people WHERE name = "paris"')


def test_the_answer_may_stand_in_a_fence_and_after_reasoning_it_does():
    plain, reasoned = (
        Grammar(select_grammar(Schema("sqlite", (PEOPLE,)), has_reasoning=each)) for each in (False, True)
    )
    fenced = "```sql\nSELECT name FROM people;\n```"
    assert plain.takes(fenced)
    assert reasoned.takes(f"I count them.\n{fenced}")
    assert not reasoned.takes("SELECT name FROM people")
    assert not plain.takes(f"I count them.\n{fenced}")


def test_names_of_any_spelling_stand_in_the_grammar_as_they_are():
    odd = Table('ta"b\\le', (Column("größe"), Column('a "quoted" one'), Column("tab\there"), Column("select")))
    statement = 'SELECT "größe", "a ""quoted"" one", "tab\there", "select" FROM "ta""b\\le"'
    assert grammar_of(odd).takes(statement)


def rule(name: str, *tables: Table) -> str:
    text = select_grammar(Schema("sqlite", tables))
    return next(line for line in text.splitlines() if line.startswith(f"{name} ::= "))


def test_a_large_schema_is_held_to_its_tables_and_a_larger_one_to_none():
    wide = [Table(f"t{n}", tuple(Column(f"c{n}_{m}") for m in range(40))) for n in range(50)]
    many = [Table(f"t{n}", (Column("id"),)) for n in range(MOST_NAMES + 1)]
    assert rule("known-column", *wide) == "known-column ::= name"
    assert "[tT][4][9]" in rule("known-table", *wide)
    assert rule("known-table", *many) == 'known-table ::= (name o "." o)* name'
    assert len(select_grammar(Schema("sqlite", tuple(wide)))) < 60_000


def test_a_dialect_that_it_is_not_written_for_has_none():
    assert select_grammar(Schema("oracle", (PEOPLE,))) == ""


def refusal(answer: str, schema: Schema) -> str:
    """Why the guard does not let the statement in ``answer`` through; "" if it does."""
    try:
        guard.check(read_sql(answer), schema.dialect, schema=schema)
    except (UnsafeSqlError, NoSqlError) as refused:
        return refused.message
    return ""


def test_of_what_random_weights_would_write_much_parses_and_nothing_writes(dialect, shop_grammar):
    answers = [shop_grammar.sentence(seed, depth=9) for seed in range(60)]
    refusals = [refusal(answer, shop_schema(dialect)) for answer in answers]
    assert refusals.count("") >= 60 * 0.4
    assert not [each for each in refusals if each.startswith("Only reading is allowed") and "function" not in each]
