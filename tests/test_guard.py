"""What the guard lets through and what it refuses, on statements that real engines accept."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from contextlib import suppress

import duckdb
import psycopg
import pytest
from guard_dangers import CALLS, POSITIONS_OF, STATEMENTS, TEXTS, more_calls, more_statements, split
from guard_shop import DIALECTS, SETUP, legitimate_statements, reads_catalogue, shop_schema

from t2s_magic.errors import UnknownNameError, UnsafeSqlError
from t2s_magic.guard import (
    CheckedSql,
    check,
    count_statements,
    for_cell,
    newer_engine,
    quote_literal,
    quote_name,
    reviewed_version,
)
from t2s_magic.schema import Column, Schema, Table

LEGITIMATE = [(dialect, sql) for dialect in DIALECTS for sql in legitimate_statements(dialect)]
WITHOUT_CATALOGUES = [(dialect, sql) for dialect, sql in LEGITIMATE if not reads_catalogue(sql)]
DANGEROUS_CALLS = [(dialect, call) for dialect in DIALECTS for call in split(CALLS[dialect])]
DANGEROUS_STATEMENTS = [
    (dialect, sql) for dialect in DIALECTS for sql in (*split(STATEMENTS["every"]), *split(STATEMENTS[dialect]), *TEXTS)
]


@pytest.mark.parametrize(("dialect", "sql"), LEGITIMATE)
def test_what_analysts_write_passes_unchanged(dialect: str, sql: str) -> None:
    assert check(sql + "\n;\n", dialect).sql == sql.strip()


@pytest.mark.parametrize(("dialect", "sql"), WITHOUT_CATALOGUES)
def test_what_analysts_write_passes_with_the_schema_too(dialect: str, sql: str) -> None:
    checked = check(sql, dialect, schema=shop_schema(dialect))

    assert set(checked.tables) <= {table.full_name for table in shop_schema(dialect).tables}


@pytest.mark.parametrize(("dialect", "call"), DANGEROUS_CALLS)
def test_a_dangerous_call_is_refused_in_every_position(dialect: str, call: str) -> None:
    statements = [position.replace("CALL", call) for position in POSITIONS_OF[dialect]]

    assert [sql for sql in statements if not is_refused(sql, dialect)] == []


@pytest.mark.parametrize("dialect", DIALECTS)
def test_what_a_red_team_wrote_is_refused_with_and_without_the_schema(dialect: str) -> None:
    schema = shop_schema(dialect)
    statements = more_statements(dialect)

    assert [sql for sql in statements if not is_refused(sql, dialect)] == []
    assert [sql for sql in statements if not is_refused(sql, dialect, schema)] == []


@pytest.mark.parametrize("dialect", DIALECTS)
def test_what_manuals_and_extensions_offer_is_refused_in_every_position(dialect: str) -> None:
    statements = [position.replace("CALL", call) for call in more_calls(dialect) for position in POSITIONS_OF[dialect]]

    assert [sql for sql in statements if not is_refused(sql, dialect)] == []


# PostgreSQL reads x.f as f(x) where x has no column f: purge may be anybody's function.
@pytest.mark.parametrize(
    "sql",
    [
        "SELECT (c).purge FROM customer AS c",
        "SELECT c.purge FROM customer AS c",
        "SELECT customer.purge AS purge, 1 AS purge FROM customer",
        "SELECT (c).purge AS purge, 1 AS purge FROM customer AS c",
        "SELECT (c.name).purge FROM customer AS c",
        "SELECT (name || 'x').purge FROM customer",
        "SELECT x.purge FROM unnest(ARRAY['a']) AS x",
        "SELECT x.purge FROM customer, LATERAL generate_series(1, id) AS x",
        "SELECT x.y.purge FROM customer",
        "SELECT name FROM customer ORDER BY (id).purge",
        "WITH t AS (SELECT (id).purge FROM customer) SELECT purge FROM t",
        "SELECT public.customer.purge FROM public.customer",
        "VALUES ((1).purge)",
    ],
)
def test_postgres_calls_no_function_by_a_dot(sql: str) -> None:
    assert is_refused(sql, "postgres", shop_schema("postgres"))


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT (c).name, (c).*, c.* FROM customer AS c",
        "SELECT (p).x, p.x FROM (SELECT ROW(1, 2) AS r, 1 AS x) AS p",
        "SELECT (r).f1 FROM (SELECT ROW(1, 2) AS r) AS p",
        "SELECT e.key, (e).value, (e.key).upper FROM event, jsonb_each_text(payload) AS e",
        "SELECT t.tag, t.n FROM event CROSS JOIN LATERAL unnest(tags) WITH ORDINALITY AS t(tag, n)",
        "SELECT r.a, x.ordinality FROM jsonb_to_recordset('[]') AS r(a int), unnest(ARRAY[1]) WITH ORDINALITY AS x",
        "SELECT s.s, v.column1, v.column2 FROM generate_series(1, 3) AS s, (VALUES (1, 2)) AS v",
        "WITH t AS (SELECT *, 1 AS one FROM customer) SELECT t.one, t.name FROM t",
        "SELECT c.ctid, c.tableoid FROM customer AS c WHERE EXISTS (SELECT 1 FROM orders WHERE customer_id = c.id)",
        "SELECT public.customer.name FROM public.customer",
    ],
)
def test_fields_and_columns_behind_a_dot_are_read(sql: str) -> None:
    assert check(sql, "postgres", schema=shop_schema("postgres")).sql == sql


@pytest.mark.parametrize(("dialect", "query"), [(dialect, call) for dialect, call in DANGEROUS_CALLS if call[0] == "("])
@pytest.mark.parametrize(
    "position",
    [
        "SELECT * FROM QUERY t",
        "SELECT * FROM (QUERY) t",
        "SELECT * FROM customer JOIN LATERAL QUERY t ON true",
        "WITH x AS QUERY SELECT * FROM x",
        "SELECT 1 UNION QUERY",
        "SELECT EXISTS QUERY",
        "SELECT 1 IN QUERY",
        "QUERY",
    ],
)
def test_a_dangerous_query_is_refused_wherever_a_query_stands(position: str, dialect: str, query: str) -> None:
    with pytest.raises(UnsafeSqlError):
        check(position.replace("QUERY", query), dialect)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT xmlelement(name row, xmlattributes(id AS id), name) FROM customer",
        "SELECT xmlagg(xmlelement(name c, name) ORDER BY id), xmlforest(name, city AS town) FROM customer",
        "SELECT xmlroot(xmlparse(document '<a/>'), version '1.0', standalone yes)",
        "SELECT xmlserialize(content xmlconcat(xmlpi(name php, 'x'), xmlcomment('y')) AS text)",
        "SELECT xmlexists('//a' PASSING BY VALUE name), xpath('/a', name::xml), name IS NOT DOCUMENT FROM customer",
        "SELECT x.* FROM event, xmltable('/r' PASSING payload::text::xml COLUMNS n FOR ORDINALITY, t text PATH '.' "
        "DEFAULT 'none' NOT NULL) AS x",
        "SELECT st_area(geometry), st_distance(a.g, st_setsrid(st_makepoint(1, 2), 4326)) < 10 FROM places a",
        "SELECT * FROM places WHERE st_dwithin(place, st_geogfromtext('POINT(0 0)'), 500)",
    ],
)
def test_xml_and_geometry_that_only_compute_pass_on_a_server_that_has_them(sql: str) -> None:
    assert check(sql, "postgres").sql == sql


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_harmless_call_is_allowed_in_every_position(dialect: str) -> None:
    statements = [position.replace("CALL", "lower('x')") for position in POSITIONS_OF[dialect]]

    assert [sql for sql in statements if is_refused(sql, dialect)] == []


@pytest.mark.parametrize(("dialect", "sql"), DANGEROUS_STATEMENTS)
def test_a_statement_that_does_more_than_read_is_refused(dialect: str, sql: str) -> None:
    with pytest.raises(UnsafeSqlError):
        check(sql, dialect)


@pytest.mark.parametrize("dialect", ["sqlite", "duckdb"])
def test_the_legitimate_statements_run_on_their_engine(dialect: str) -> None:
    run = sqlite_runner() if dialect == "sqlite" else duckdb_runner()

    for sql in legitimate_statements(dialect):
        run(sql)


def test_the_legitimate_statements_run_on_postgres(postgres_url: str) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        connection.execute(SETUP["postgres"])
        for sql in legitimate_statements("postgres"):
            connection.execute(sql.encode())


@pytest.mark.parametrize(
    ("dialect", "sql", "message"),
    [
        ("sqlite", "DELETE FROM customer", "Only reading is allowed: DELETE changes data. Nothing was run."),
        ("sqlite", "SELECT 1\n;\nDROP TABLE customer", "; at line 2 separates several statements"),
        ("duckdb", "SELECT *\nFROM 'x.csv'", "'x.csv' at line 2 would be read as a file"),
        ("duckdb", "SELECT read_text('x')", "read_text reads files or lists them"),
        ("postgres", "SELECT pg_sleep(9)", "pg_sleep waits"),
        ("postgres", "SELECT * FROM pg_shadow", "pg_shadow is a system catalogue"),
        ("postgres", "EXPLAIN ANALYZE SELECT 1", "ANALYZE makes EXPLAIN run the statement"),
        ("postgres", "SELECT * FROM customer FOR UPDATE", "LOCK locks rows"),
        ("mysql", "SELECT LOAD_FILE('x')", "LOAD_FILE reads files"),
        ("sqlite", "SELECT a b c FROM t", "Not valid sqlite SQL: c is not expected here. Nothing was run."),
        ("duckdb", "SELECT 1\nWHERE WHERE x", "WHERE at line 2 comes where a part of the statement is missing"),
        ("oracle", "SELECT 1", "The guard has no list for 'oracle'"),
        ("sqlite", "  ", "There is no SQL statement here"),
        ("sqlite", "SELECT {{ x }}", "is a template mark, which notebooks replace with code"),
    ],
)
def test_the_verdict_names_the_part_the_place_and_the_reason(dialect: str, sql: str, message: str) -> None:
    with pytest.raises(UnsafeSqlError, match=re.escape(message)):
        check(sql, dialect)


def test_the_span_bounds_the_part_in_the_text_as_it_was_given() -> None:
    sql = "\n  SELECT name, load_extension('x') FROM customer"

    with pytest.raises(UnsafeSqlError) as refusal:
        check(sql, "sqlite")

    start, end = refusal.value.span or (0, 0)
    assert (refusal.value.sql or "")[start:end] == "load_extension"


def test_tables_are_named_once_and_in_order() -> None:
    sql = "WITH o AS (SELECT * FROM orders) SELECT * FROM o JOIN Customer c USING (id), (SELECT 1 FROM orders) x"

    assert check(sql, "postgres", schema=shop_schema("postgres")).tables == ("orders", "customer")


def test_an_unknown_table_is_named_with_the_nearest() -> None:
    with pytest.raises(
        UnknownNameError, match=r'No table "custmer" in this database\. Did you mean "customer"\?'
    ) as error:
        check("SELECT * FROM custmer", "sqlite", schema=shop_schema("sqlite"))

    assert error.value.nearest == ("customer",)


@pytest.mark.parametrize(
    ("dialect", "sql"),
    [
        ("duckdb", "SELECT * FROM df"),
        ("duckdb", "SELECT * FROM information_schema.tables"),
        ("duckdb", "FROM (SUMMARIZE secret)"),
        ("duckdb", "SELECT * FROM (TABLE 'x.csv') t"),
        ("duckdb", "SELECT * FROM (TABLE secret) t"),
        ("duckdb", "SUMMARIZE secret"),
        ("duckdb", "DESCRIBE secret"),
        ("duckdb", "PIVOT secret ON a USING count(*) ORDER BY 1"),
        ("duckdb", "SELECT * FROM customer, other.main.customer"),
        ("duckdb", "SELECT s.lower('x')"),
        ("duckdb", "SELECT * FROM customer c, LATERAL histogram('secret', 'a')"),
        ("sqlite", "SELECT * FROM sqlite_master"),
        ("sqlite", "SELECT 1 WHERE 'x' IN secret"),
        ("sqlite", "SELECT * FROM other.customer"),
        ("sqlite", "SELECT * FROM temp.customer"),
        ("postgres", "TABLE secret"),
        ("postgres", 'SELECT * FROM "Customer" WHERE EXISTS (SELECT 1 FROM pg_class)'),
        ("postgres", 'WITH "SECRET" AS (SELECT 1) SELECT * FROM secret'),
        ("postgres", "SELECT * FROM (WITH secret AS (SELECT 1) SELECT * FROM secret) x, secret"),
        ("postgres", "WITH a AS (SELECT * FROM secret), secret AS (SELECT 1) SELECT * FROM a"),
        ("mysql", "SELECT * FROM other.customer"),
    ],
)
def test_only_tables_of_the_schema_are_read(dialect: str, sql: str) -> None:
    with pytest.raises(UnsafeSqlError):
        check(sql, dialect, schema=shop_schema(dialect))


def test_a_name_that_a_dataframe_or_a_temporary_table_shadows_is_refused() -> None:
    schema = Schema("duckdb", shop_schema("duckdb").tables, unseen=(("orders", "DataFrame"),))

    with pytest.raises(UnsafeSqlError, match="orders is a DataFrame of yours that the read-only view cannot see"):
        check("SELECT * FROM orders", "duckdb", schema=schema)


def test_a_method_of_a_column_is_no_function_of_a_schema() -> None:
    checked = check("SELECT name.upper(), c.city.lower() FROM customer c", "duckdb", schema=shop_schema("duckdb"))

    assert checked.tables == ("customer",)


@pytest.mark.parametrize(
    ("dialect", "sql"),
    [
        ("sqlite", "SELECT printf('%999999999d', 1)"),
        ("duckdb", "SELECT repeat(repeat('x', 100_000), 100_000)"),
        ("duckdb", "FROM range(1e12)"),
        ("postgres", "SELECT lpad('x', 0x7fffffff)"),
        ("postgres", "SELECT repeat('x', (10 ^ 9)::int)"),
        ("postgres", "SELECT * FROM generate_series(1, 10 ^ 12)"),
        ("duckdb", "SELECT range(1 << 40), range(3000 * 1000 * 1000)"),
        ("sqlite", "SELECT printf('%.*c', 30000 * 30000, 'x')"),
        ("sqlite", "SELECT printf('%.' || '900000000' || 'c', 'x')"),
        ("mysql", "SELECT SPACE(1000 * 1000 * 1000)"),
    ],
)
def test_a_constant_that_makes_gigabytes_is_refused(dialect: str, sql: str) -> None:
    with pytest.raises(UnsafeSqlError, match="more than 10"):
        check(sql, dialect)


def test_only_the_guard_makes_checked_sql() -> None:
    with pytest.raises(TypeError, match=r"made by t2s_magic\.guard\.check alone"):
        CheckedSql("DROP TABLE customer", "sqlite")


@pytest.mark.parametrize(
    ("sql", "count"),
    [("SELECT 1", 1), ("SELECT 1; ", 1), ("SELECT ';'; SELECT 2 -- ;", 2), (";;SELECT 1;;", 1), ("", 0), ("-- ;", 0)],
)
def test_statements_are_counted_between_semicolons(sql: str, count: int) -> None:
    assert count_statements(sql, "sqlite") == count


@pytest.mark.parametrize(
    ("name", "dialect", "quoted"),
    [
        ("total", "postgres", "total"),
        ("Total", "postgres", '"Total"'),
        ("Total", "sqlite", "Total"),
        ("order", "sqlite", '"order"'),
        ("two words", "mysql", "`two words`"),
        ('say "hi"', "duckdb", '"say ""hi"""'),
        ("größe", "duckdb", '"größe"'),
    ],
)
def test_names_are_quoted_where_they_have_to_be(name: str, dialect: str, quoted: str) -> None:
    assert quote_name(name, dialect) == quoted


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("value", ["it's", "back\\slash", "\\'; DROP TABLE customer; --", "", "a\nb"])
def test_a_quoted_literal_is_one_literal(dialect: str, value: str) -> None:
    assert check(f"SELECT {quote_literal(value, dialect)} AS x", dialect).sql.count("SELECT") == 1


def test_a_cell_gets_a_space_where_sqlalchemy_would_see_a_parameter() -> None:
    query = check("SELECT {'a':1}, name::VARCHAR, '12:30', name[:2] FROM customer", "duckdb")

    assert for_cell(query) == "SELECT {'a': 1}, name::VARCHAR, '12:30', name[: 2] FROM customer"


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT '{{ x }}'",
        "SELECT '{% x %}'",
        "SELECT '{# x #}'",
        "SELECT ' :name'",
        "SELECT 1 -- :name",
        "SELECT '$name'",
        "SELECT '${name}'",
        'SELECT 1 AS "a :b"',
    ],
)
def test_a_cell_does_not_get_text_that_it_would_replace(sql: str) -> None:
    query = check(sql, "sqlite")

    with pytest.raises(UnsafeSqlError, match="cannot be written as a %%sql cell"):
        for_cell(query)


def test_each_list_says_which_version_it_was_reviewed_against() -> None:
    assert all(re.match(r"\d+\.\d+", reviewed_version(dialect)) for dialect in DIALECTS)


def test_no_function_of_the_reviewed_engines_is_left_unreviewed() -> None:
    installed = {"sqlite": sqlite3.sqlite_version, "duckdb": duckdb.__version__}
    names = {
        "sqlite": [name for (name,) in sqlite3.connect(":memory:").execute("SELECT name FROM pragma_function_list")],
        "duckdb": [name for (name,) in duckdb.sql(_DUCKDB_FUNCTIONS).fetchall()],
    }
    same = [dialect for dialect in names if not newer_engine(dialect, installed[dialect])]

    assert [(dialect, new) for dialect in same if (new := unreviewed(dialect, names[dialect]))] == []


def test_a_newly_reviewed_name_cannot_be_both_allowed_and_refused() -> None:
    from t2s_magic.guard.functions import function_list

    lists = [function_list(dialect) for dialect in DIALECTS]

    assert [sorted(one.allowed & one.refused.keys()) for one in lists] == [[], [], [], []]


def test_names_of_a_schema_with_quotes_and_other_scripts_are_found() -> None:
    schema = Schema("postgres", (Table('we"ird', (Column("größe"),), ("public",)), Table("表", (Column("x"),))))

    checked = check('SELECT "größe" FROM "we""ird", 表', "postgres", schema=schema)

    assert checked.tables == ('we"ird', "表")


def is_refused(sql: str, dialect: str, schema: Schema | None = None) -> bool:
    try:
        check(sql, dialect, schema=schema)
    except UnsafeSqlError:
        return True
    return False


def sqlite_runner() -> Callable[[str], object]:
    connection = sqlite3.connect(":memory:")
    connection.executescript(SETUP["sqlite"])
    return lambda sql: connection.execute(sql).fetchall()


def duckdb_runner() -> Callable[[str], object]:
    connection = duckdb.connect()
    connection.execute(SETUP["duckdb"])
    return lambda sql: connection.execute(sql).fetchall()


_DUCKDB_FUNCTIONS = "SELECT DISTINCT function_name FROM duckdb_functions() WHERE internal AND function_type <> 'pragma'"


def unreviewed(dialect: str, names: list[str]) -> list[str]:
    from t2s_magic.guard.functions import function_list

    functions = function_list(dialect)
    plain = {name.lower() for name in names if re.fullmatch(r"[a-z_]\w*", name.lower())}
    return sorted(plain - functions.allowed - functions.tables - {name for name in plain if functions.refusal(name)})


@pytest.mark.parametrize(
    ("dialect", "sql"),
    [
        *(("postgres", f"SELECT format({text}, 'x')") for text in ("E'\\x25999999999s'", "E'\\045999999999s'")),
        ("postgres", "SELECT format(U&'\\0025999999999s', 'x')"),
        ("postgres", "SELECT format(E'%\\052s', 999999999, 'x')"),
        ("postgres", "SELECT format(concat('%', '999999999', 's'), 'x')"),
        ("postgres", "SELECT format('" + "%99999s" * 50 + "', 'x')"),
        ("postgres", "SELECT repeat('x', '1000000000'::int)"),
        ("postgres", "SELECT repeat('x', power(10, 9)::int)"),
        ("postgres", "SELECT lpad('x', 1000000000), rpad('x', 1000000000)"),
        ("mysql", "SELECT REPEAT('x', X'FFFFFFFF')"),
        ("mysql", "SELECT REPEAT('x', POW(10, 9))"),
        ("duckdb", "SELECT format('{:>999999999}', name) FROM customer"),
        ("duckdb", "SELECT format('{:>{}}', name, id) FROM customer"),
        ("duckdb", "SELECT format(name, 'x') FROM customer"),
        ("duckdb", "SELECT '{:>999999999}'.format('x')"),
        ("duckdb", "SELECT ('{:>' || 999999999 || '}').format('x')"),
        ("duckdb", "SELECT printf('%*d', id, 1) FROM customer"),
        ("duckdb", "SELECT printf(chr(37) || '999999999d', 1)"),
        ("duckdb", "SELECT replace(repeat('x', 9000000), 'x', repeat('y', 9000000))"),
        ("duckdb", "SELECT list_transform(range(9000000), lambda x : repeat('x', 9000000))"),
        ("duckdb", "SELECT bar(1, 0, 1, 999999999), to_base(1, 2, 999999999)"),
        ("duckdb", "SELECT bitstring('1', 2000000000)"),
        ("sqlite", "SELECT printf('%1000000000d', 1)"),
        ("sqlite", "SELECT format(char(37) || '1000000000s', 'x')"),
        ("sqlite", "SELECT format(replace('_1000000000s', '_', '%'), 'x')"),
        ("sqlite", "SELECT replace(hex(zeroblob(9999)), '0', 'x')"),
    ],
)
def test_a_value_of_gigabytes_is_refused_however_its_size_is_written(dialect: str, sql: str) -> None:
    assert is_refused(sql, dialect)


@pytest.mark.parametrize(
    ("dialect", "sql"),
    [
        ("postgres", "SELECT format('%1$s from %2$-10s', name, city), format(E'%s\\n', 12345678) FROM customer"),
        ("postgres", "SELECT lpad(name, 20), repeat('ab', 1000), format(name, 'x') FROM customer"),
        ("mysql", "SELECT FORMAT(12345678.9, 2), LPAD(name, 20, '.'), REPEAT('1000000', 100) FROM customer"),
        ("duckdb", "SELECT format('{:>10} {:.2f} {:,}', name, 1.5, 12345678), printf('%05d', id) FROM customer"),
        (
            "duckdb",
            "SELECT bar(total, 0, 1000000, 80), '{}'.format(id), list_transform(range(99), lambda x : x) FROM orders",
        ),
        ("sqlite", "SELECT printf('%-20s|%8.2f', name, id), replace(name, 'a', 'b') FROM customer"),
    ],
)
def test_texts_of_everyday_widths_pass(dialect: str, sql: str) -> None:
    assert check(sql, dialect).sql == sql


@pytest.mark.parametrize("sql", ["SELECT substring()", "SELECT substring(", "SELECT OPERATOR(", "SELECT 1 USING (a"])
@pytest.mark.parametrize("dialect", DIALECTS)
def test_half_a_spelling_is_no_error_of_ours(dialect: str, sql: str) -> None:
    with suppress(UnsafeSqlError):
        check(sql, dialect)
