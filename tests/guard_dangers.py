"""What must never pass, as calls and as whole statements, and every position that a call can stand in."""

from __future__ import annotations

from pathlib import Path

# A scalar call stands in place of CALL. Each position is valid SQL in its dialect once CALL is a harmless value.
POSITIONS = (
    "SELECT CALL",
    "SELECT name, CALL AS x FROM customer",
    "SELECT (CALL) FROM customer",
    "SELECT DISTINCT CALL FROM customer",
    "SELECT upper(CALL) FROM customer",
    "SELECT coalesce(name, lower(CALL)) FROM customer",
    "SELECT CASE WHEN CALL IS NULL THEN 1 ELSE 2 END FROM customer",
    "SELECT CASE WHEN id = 1 THEN CALL END FROM customer",
    "SELECT CASE id WHEN CALL THEN 1 ELSE CALL END FROM customer",
    "SELECT CASE id WHEN 1 THEN 2 ELSE CALL END FROM customer",
    "SELECT name FROM customer WHERE CALL IS NOT NULL",
    "SELECT name FROM customer WHERE id = 1 OR NOT (CALL IS NULL)",
    "SELECT name FROM customer WHERE id IN (1, CALL)",
    "SELECT name FROM customer WHERE id BETWEEN 1 AND CALL",
    "SELECT name FROM customer WHERE name LIKE CALL",
    "SELECT name FROM customer WHERE EXISTS (SELECT CALL)",
    "SELECT name FROM customer WHERE id = (SELECT max(id) FROM orders WHERE CALL IS NULL)",
    "SELECT country, count(*) FROM customer GROUP BY country, CALL",
    "SELECT country FROM customer GROUP BY country HAVING count(*) > 1 AND CALL IS NULL",
    "SELECT name FROM customer ORDER BY CALL",
    "SELECT name FROM customer ORDER BY name, CALL DESC",
    "SELECT name FROM customer ORDER BY CASE WHEN CALL IS NULL THEN 1 END",
    "SELECT name FROM customer LIMIT (SELECT length(CALL))",
    "SELECT name FROM customer LIMIT 1 OFFSET (SELECT length(CALL))",
    "SELECT sum(total) OVER (PARTITION BY CALL) FROM orders",
    "SELECT sum(total) OVER (ORDER BY CALL) FROM orders",
    "SELECT lag(total, 1, CALL) OVER (ORDER BY id) FROM orders",
    "SELECT sum(total) OVER w FROM orders WINDOW w AS (ORDER BY CALL)",
    "SELECT count(CALL) FROM orders",
    "SELECT count(DISTINCT CALL) FROM orders",
    "SELECT c.name FROM customer c JOIN orders o ON o.customer_id = c.id AND CALL IS NULL",
    "SELECT c.name FROM customer c LEFT JOIN orders o ON CALL = o.status",
    "SELECT * FROM (SELECT CALL AS x) t",
    "SELECT * FROM (SELECT * FROM (SELECT name FROM customer WHERE CALL IS NULL) a) b",
    "SELECT name FROM customer UNION ALL SELECT CALL",
    "SELECT CALL UNION SELECT name FROM customer ORDER BY 1",
    "SELECT name FROM customer EXCEPT SELECT CALL",
    "WITH x AS (SELECT CALL AS y) SELECT y FROM x",
    "WITH x AS (SELECT 1 AS y), z AS (SELECT name FROM customer ORDER BY CALL) SELECT * FROM x, z",
    "WITH RECURSIVE n AS (SELECT 1 AS x UNION ALL SELECT x + 1 FROM n WHERE x < length(CALL)) SELECT * FROM n",
    "SELECT (SELECT CALL)",
    "SELECT (SELECT x FROM (SELECT CALL AS x) t) FROM customer",
    "SELECT name || CALL FROM customer",
    "SELECT -length(CALL) FROM customer",
    "SELECT CAST(CALL AS CHAR) FROM customer",
    "SELECT NULLIF(1, length(CALL))",
    "SELECT name /* quiet */ , /* c */ CALL -- end",
)
POSITIONS_OF = {
    "sqlite": (
        *POSITIONS,
        "VALUES (1, CALL)",
        "SELECT * FROM (VALUES (CALL))",
        "SELECT count(*) FILTER (WHERE CALL IS NULL) FROM orders",
        "SELECT group_concat(name, CALL) FROM customer",
        "SELECT j.value FROM json_each(CALL) j",
        "SELECT json_extract('{}', CALL)",
        "SELECT '{}' ->> CALL",
        "EXPLAIN QUERY PLAN SELECT CALL",
        "SELECT name COLLATE NOCASE = CALL FROM customer",
    ),
    "duckdb": (
        *POSITIONS,
        "VALUES (1, CALL)",
        "FROM customer SELECT CALL",
        "FROM (VALUES (CALL)) t(x)",
        "SELECT count(*) FILTER (WHERE CALL IS NULL) FROM orders",
        "SELECT name FROM customer QUALIFY row_number() OVER (ORDER BY CALL) = 1",
        "SELECT [x || CALL for x in ['a'] if x = 'a']",
        "SELECT [x for x in ['a'] if x = CALL]",
        "SELECT list_transform([1], lambda x: CALL)",
        "SELECT list_transform([1], x -> CALL)",
        "SELECT {'a': CALL}",
        "SELECT MAP {'a': CALL}",
        "SELECT [1, CALL]",
        "SELECT ['a'][length(CALL)]",
        "SELECT * REPLACE (CALL AS name) FROM customer",
        "SELECT * FROM range(length(CALL))",
        "SELECT unnest([CALL])",
        "SELECT * FROM customer c, LATERAL (SELECT CALL) l",
        "SELECT struct_pack(a := CALL)",
        "PIVOT orders ON status USING max(CALL)",
        "PIVOT orders ON status USING count(*) ORDER BY CALL",
        "PIVOT (SELECT CALL AS a, status FROM orders) ON status USING count(*)",
        "SELECT TRY(CALL)",
        "SELECT CALL::VARCHAR",
        "SELECT (CALL).upper()",
        "SELECT string_agg(name, ',' ORDER BY CALL) FROM customer",
        "SELECT * FROM customer WHERE name SIMILAR TO CALL",
        "EXPLAIN SELECT CALL",
        "SUMMARIZE SELECT CALL",
        "DESCRIBE SELECT CALL",
        "SELECT x: CALL",
        "SELECT INTERVAL (length(CALL)) DAY",
        "SELECT country FROM customer GROUP BY ROLLUP (country, CALL)",
    ),
    "postgres": (
        *POSITIONS,
        "VALUES (1, CALL)",
        "SELECT * FROM (VALUES (CALL)) t(x)",
        "SELECT DISTINCT ON (CALL) name FROM customer",
        "SELECT count(*) FILTER (WHERE CALL IS NULL) FROM orders",
        "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY length(CALL)) FROM orders",
        "SELECT string_agg(name, ',' ORDER BY CALL) FROM customer",
        "SELECT ARRAY[CALL]",
        "SELECT ARRAY(SELECT CALL)",
        "SELECT (ARRAY['a'])[length(CALL)]",
        "SELECT ROW(1, CALL)",
        "SELECT CALL::text",
        "SELECT '{}'::jsonb ->> CALL",
        "SELECT x FROM customer c, LATERAL (SELECT CALL AS x) l",
        "SELECT * FROM customer c LEFT JOIN LATERAL (SELECT CALL) l ON true",
        "SELECT * FROM unnest(ARRAY[CALL])",
        "SELECT * FROM generate_series(1, length(CALL))",
        "SELECT name FROM customer WHERE name = ANY (ARRAY[CALL])",
        "SELECT name FROM customer WHERE name ~ CALL",
        "SELECT country FROM customer GROUP BY GROUPING SETS ((country), (CALL))",
        "SELECT name FROM customer FETCH FIRST (length(CALL)) ROWS ONLY",
        "SELECT sum(total) OVER (ORDER BY id ROWS BETWEEN length(CALL) PRECEDING AND CURRENT ROW) FROM orders",
        "SELECT overlay('abc' placing CALL from 1)",
        "SELECT substring(CALL from 1 for 2)",
        "SELECT extract(year from CALL)",
        "SELECT position(CALL in 'x')",
        "SELECT format('%s', VARIADIC ARRAY[CALL])",
        "SELECT CALL AT TIME ZONE 'UTC'",
        "EXPLAIN SELECT CALL",
        "EXPLAIN (VERBOSE) SELECT CALL",
        "SELECT * FROM CALL",
        "SELECT * FROM CALL AS f(x)",
        "SELECT * FROM customer, CALL",
        "SELECT * FROM ROWS FROM (CALL)",
    ),
    "mysql": (
        *(position for position in POSITIONS if "EXCEPT" not in position),
        "VALUES ROW(1, CALL)",
        "SELECT GROUP_CONCAT(name ORDER BY CALL SEPARATOR ',') FROM customer",
        "SELECT IF(CALL, 1, 2)",
        "SELECT DATE_ADD(NOW(), INTERVAL length(CALL) DAY)",
        "SELECT name FROM customer WHERE name REGEXP CALL",
        "SELECT CONVERT(CALL USING utf8mb4)",
        "SELECT JSON_EXTRACT('{}', CALL)",
        "SELECT country FROM customer GROUP BY CALL WITH ROLLUP",
        "EXPLAIN SELECT CALL",
        "EXPLAIN FORMAT=JSON SELECT CALL",
        "SELECT * FROM customer c JOIN LATERAL (SELECT CALL) l ON TRUE",
        "SELECT j.x FROM JSON_TABLE(CALL, '$' COLUMNS (x INT PATH '$')) j",
    ),
}

CALLS = {
    "sqlite": """
        load_extension('x'); readfile('/etc/passwd'); writefile('/tmp/x', 'y'); edit('x'); fts3_tokenizer('x');
        zeroblob(900000000); randomblob(900000000); sqlite_compileoption_get(1); sqlite_log(1, 'x');
        last_insert_rowid(); changes(); total_changes(); sqlite_source_id(); lsmode('x'); fsdir('.');
        sha3_query('select 1'); eval('select 1'); "load_extension"('x'); [load_extension]('x'); `load_extension`('x');
        LOAD_EXTENSION /* x */ ('x'); load_extension
        ('x'); (SELECT * FROM pragma_table_info('customer'));
        (SELECT 1 FROM dbstat); (SELECT 1 FROM sqlite_stmt); (SELECT file FROM pragma_database_list);
        (SELECT 1 FROM "pragma_database_list"); some_user_function(1); shell('id'); system('id');
        (SELECT sql FROM sqlite_temp_master); (SELECT 1 FROM temp.sqlite_master); printf('%999999999d', 1);
        printf('%.*c', 900000000, 'x'); format('%.900000000d', 1); (SELECT data FROM sqlite_dbpage);
        (SELECT 1 FROM fts3tokenize); @x; :x; $x; ?; ?1; @@x
    """,
    "duckdb": """
        read_text('x'); read_blob('x'); read_csv('x'); getenv('HOME'); current_setting('x'); getvariable('x');
        nextval('s'); currval('s'); setseed(0.5); sleep_ms(1000); write_log('x'); error('x'); txid_current();
        current_query(); json_execute_serialized_sql('x'); json_serialize_sql('select 1'); json_deserialize_sql('x');
        pg_sleep(1); stats(1); vector_type(1); "read_text"('x'); READ_TEXT /* x */ ('x'); query('select 1');
        query_table('customer'); which_secret('x', 's3'); glob_files('x'); in_search_path('x', 'y'); version();
        current_schemas(true); inet_server_addr(); get_block_size('x'); some_macro(1); checkpoint(); user_agent();
        repeat('x', 4000000000); lpad('x', 4000000000, 'y'); repeat(repeat('x', 100000), 100000); range(9000000000);
        main.read_text('x'); system.main.read_text('x'); temp.lower('x'); temp.main.lower('x'); 'x'.read_text();
        ('x').getenv(); name.getenv(); 'x'.current_setting(); (SELECT content FROM read_text('x'));
        (FROM read_csv('x')); (FROM 'x.csv'); (SELECT 1 FROM 'x.parquet'); (SELECT 1 FROM "x.csv");
        (SELECT 1 FROM x.csv); (SELECT 1 FROM '/etc/passwd'); (SELECT 1 FROM "http://x/y.json"); (FROM read_json('x'));
        (FROM read_parquet('x')); (FROM glob('*')); (FROM sniff_csv('x')); (FROM parquet_scan('x'));
        (FROM duckdb_secrets()); (FROM duckdb_settings()); (FROM duckdb_logs()); (FROM pragma_storage_info('x'));
        (FROM query('select 1')); (FROM query_table('x')); (FROM duckdb_logs); (FROM duckdb_settings);
        (FROM pg_settings); (FROM pragma_database_list); (FROM pg_catalog.pg_settings); (FROM arrow_scan(1, 2, 3));
        (FROM pandas_scan(1)); (FROM which_secret('x', 's3')); (FROM checkpoint()); (FROM force_checkpoint());
        (FROM enable_logging()); (FROM truncate_duckdb_logs()); (FROM duckdb_variables());
        (FROM duckdb_prepared_statements()); (FROM read_duckdb('x')); (FROM test_all_types());
        (FROM histogram('customer', 'name')); (FROM repeat(1, 9000000000)); (FROM duckdb_external_file_cache());
        (FROM range(90000000000)); (TABLE 'x.csv'); (PIVOT 'x.csv' ON a); (SUMMARIZE 'x.csv'); (DESCRIBE 'x.csv');
        (FROM `x.csv`); (SHOW DATABASES); (CALL pragma_version()); (FROM sqlite_scan('x', 'y'));
        (FROM postgres_query('x', 'y')); (FROM iceberg_scan('x')); (FROM st_read('x')); $1; $x; ?;
        (COPY customer TO 'x'); (DELETE FROM customer RETURNING id); (FROM "s3://b/k"); (FROM 'data')
    """,
    "postgres": """
        pg_sleep(1); pg_sleep_for('1 s'); pg_read_file('/etc/passwd'); pg_read_binary_file('x'); pg_ls_dir('.');
        pg_stat_file('x'); lo_import('/etc/passwd'); lo_export(1, 'x'); lo_create(0); lo_get(1); lo_unlink(1);
        lo_from_bytea(0, 'x'); loread(1, 1); lowrite(1, 'x'); lo_put(1, 0, 'x'); set_config('a', 'b', false);
        current_setting('x'); nextval('s'); setval('s', 1); currval('s'); lastval(); pg_advisory_lock(1);
        pg_try_advisory_lock(1); pg_advisory_xact_lock(1); pg_advisory_unlock_all(); pg_terminate_backend(1);
        pg_cancel_backend(1); pg_reload_conf(); pg_rotate_logfile(); query_to_xml('select 1', true, true, '');
        table_to_xml('x', true, true, ''); cursor_to_xml('x', 1, true, true, ''); schema_to_xml('x', true, true, '');
        database_to_xml(true, true, ''); query_to_xmlschema('x', true, true, ''); ts_stat('select 1');
        ts_rewrite('a', 'select 1'); dblink('x', 'y'); dblink_exec('x', 'y'); dblink_connect('x'); pg_notify('a', 'b');
        pg_export_snapshot(); txid_current(); pg_current_xact_id(); setseed(0.5); version(); inet_server_addr();
        inet_client_addr(); current_user; session_user; pg_backend_pid(); pg_switch_wal(); pg_promote();
        pg_create_restore_point('x'); pg_create_logical_replication_slot('a', 'b'); pg_drop_replication_slot('a');
        pg_logical_emit_message(true, 'a', 'b'); pg_stat_reset(); pg_stat_get_activity(1); pg_show_all_settings();
        pg_hba_file_rules(); pg_get_functiondef(1); pg_get_userbyid(10); pg_database_size('x');
        pg_relation_filepath('x'); "pg_sleep"(1); "pg_catalog"."pg_sleep"(1); pg_catalog.pg_sleep(1);
        PG_SLEEP /* x */ (1); public.lower('x'); a.b.lower('x'); some_function(1); U&"pg_\\0073leep"(1);
        (SELECT 1 FROM pg_sleep(1)); (SELECT passwd FROM pg_shadow); (SELECT rolpassword FROM pg_authid);
        (SELECT 1 FROM pg_catalog.pg_authid); (SELECT query FROM pg_stat_activity); (SELECT 1 FROM pg_settings);
        (SELECT 1 FROM pg_file_settings); (SELECT 1 FROM pg_user_mappings); (SELECT 1 FROM pg_largeobject);
        (SELECT 1 FROM pg_stat_statements); (SELECT 1 FROM "pg_shadow"); (TABLE pg_shadow);
        (SELECT 1 FROM pg_prepared_statements); (SELECT 1 FROM pg_hba_file_rules); (SELECT 1 FROM pg_stats);
        (SELECT 1 FROM information_schema.user_mapping_options); (SELECT 1 FROM PG_CATALOG.PG_SHADOW);
        (SELECT 1 OPERATOR(public.+) 2); (SELECT 1 INTO x); (SELECT 1 FROM customer FOR UPDATE); $1;
        repeat('x', 2000000000); lpad('x', 1000000000); pg_file_write('a', 'b', true); pg_file_unlink('a');
        xpath_table('a', 'b'); crosstab('select 1'); pg_stat_clear_snapshot(); gin_clean_pending_list('x');
        pg_get_viewdef('x'); currtid2('x', '(0,1)'); plpgsql_call('x'); pg_import_system_collations('x');
        has_table_privilege('x', 'y'); generate_series(1, 90000000000)
    """,
    "mysql": """
        SLEEP(5); BENCHMARK(1, 1); LOAD_FILE('/etc/passwd'); GET_LOCK('a', 1); RELEASE_LOCK('a'); RELEASE_ALL_LOCKS();
        IS_FREE_LOCK('a'); IS_USED_LOCK('a'); LAST_INSERT_ID(5); ROW_COUNT(); FOUND_ROWS(); CONNECTION_ID(); USER();
        CURRENT_USER(); SESSION_USER(); SYSTEM_USER(); VERSION(); MASTER_POS_WAIT('a', 1); SOURCE_POS_WAIT('a', 1);
        WAIT_FOR_EXECUTED_GTID_SET('a'); UUID_SHORT(); EXTRACTVALUE('a', 'b'); UPDATEXML('a', 'b', 'c');
        NAME_CONST('a', 1); sys_exec('id'); sys_eval('id'); some_udf(1); `sleep`(5); SLEEP /* x */ (5);
        sys.ps_thread_id(1); mysql.sleep(1); shop.f(1); @x; @@version; @@global.datadir; (@x := 1); @`x`; ?;
        (SELECT 1 FROM mysql.user); (SELECT 1 FROM `mysql`.`user`); (SELECT 1 FROM performance_schema.threads);
        (SELECT 1 FROM sys.session); (SELECT 1 FROM information_schema.processlist);
        (SELECT 1 FROM INFORMATION_SCHEMA.USER_PRIVILEGES); (SELECT 1 FROM customer FOR UPDATE);
        (SELECT 1 FROM customer LOCK IN SHARE MODE); (SELECT 1 INTO @x); REPEAT('x', 4000000000);
        (SELECT 1 INTO OUTFILE '/tmp/x'); (SELECT 1 INTO DUMPFILE '/tmp/x'); SPACE(4000000000);
        LPAD('x', 4000000000, 'y'); ENCRYPT('x'); AES_DECRYPT('a', 'b'); DES_DECRYPT('a'); PASSWORD('a');
        RANDOM_BYTES(10); (SELECT /*!50000 1 */); (SELECT /*+ SET_VAR(sort_buffer_size = 1) */ 1); NEXTVAL(s);
        LASTVAL(s); SETVAL(s, 1); (NEXT VALUE FOR s); (VALUES (1) INTO @x)
    """,
}

STATEMENTS = {
    "every": """
        INSERT INTO customer VALUES (1); UPDATE customer SET name = 'x'; DELETE FROM customer; DROP TABLE customer;
        TRUNCATE TABLE customer; CREATE TABLE x (a INT); CREATE TABLE x AS SELECT * FROM customer;
        CREATE VIEW x AS SELECT 1; CREATE INDEX x ON customer (name); ALTER TABLE customer ADD COLUMN x INT;
        GRANT SELECT ON customer TO x; REVOKE SELECT ON customer FROM x; COMMIT; ROLLBACK; BEGIN; START TRANSACTION;
        SAVEPOINT x; RELEASE SAVEPOINT x; SET x = 1; RESET x; CALL f(); EXECUTE x; PREPARE x AS SELECT 1; DEALLOCATE x;
        EXPLAIN ANALYZE SELECT 1; EXPLAIN DELETE FROM customer; EXPLAIN INSERT INTO customer VALUES (1);
        EXPLAIN ANALYZE DELETE FROM customer; ANALYZE; VACUUM; REINDEX; LOAD 'x'; LOAD x; COPY customer TO 'x';
        COPY customer FROM 'x'; ATTACH 'x' AS y; DETACH x; USE x; KILL 1; SHOW ALL; SHOW VARIABLES; LISTEN x; NOTIFY x;
        UNLISTEN *; LOCK TABLE customer; DO 1; HANDLER customer OPEN;
        MERGE INTO customer USING orders ON true WHEN MATCHED THEN DELETE; REPLACE INTO customer VALUES (1);
        IMPORT DATABASE 'x'; DECLARE x CURSOR FOR SELECT 1; FETCH x; CLOSE x; DISCARD ALL;
        COMMENT ON TABLE customer IS 'x'; PRAGMA query_only = 0; PRAGMA x; SELECT * INTO x FROM customer;
        SELECT 1 AS a INTO x; SELECT 1 FROM customer FOR UPDATE; EXPLAIN EXPLAIN SELECT 1;
        WITH x AS (DELETE FROM customer RETURNING id) SELECT * FROM x;
        WITH x AS (INSERT INTO customer VALUES (1) RETURNING id) SELECT * FROM x;
        WITH x AS (UPDATE customer SET name = 'x' RETURNING id) SELECT * FROM x;
        WITH x AS (SELECT 1) DELETE FROM customer; WITH x AS (SELECT 1) INSERT INTO customer SELECT * FROM x;
        WITH x AS (SELECT 1) UPDATE customer SET name = 'x'; INSERT INTO customer SELECT * FROM customer;
        DELETE FROM customer RETURNING *; EXPLAIN; SELECT; WITH; (; ); '; "; /*; --; x;
        SELECT * FROM (DELETE FROM customer RETURNING *) t;
        SELECT * FROM (INSERT INTO customer VALUES (1) RETURNING *) t
    """,
    "sqlite": """
        ATTACH DATABASE '/tmp/x' AS y; VACUUM INTO '/tmp/x'; PRAGMA writable_schema = 1; PRAGMA table_info(customer);
        EXPLAIN PRAGMA query_only = 0; EXPLAIN QUERY PLAN DELETE FROM customer;
        SELECT * FROM pragma_table_info('customer'); SELECT * FROM pragma_database_list; .shell id;
        CREATE TEMP TABLE x (a); CREATE VIRTUAL TABLE x USING fts5(a); REINDEX customer; ANALYZE customer; DROP VIEW x;
        INSERT OR REPLACE INTO customer VALUES (1); SELECT * FROM fsdir('.'); SELECT * FROM "pragma_table_info"('x');
        SELECT * FROM main.pragma_database_list
    """,
    "duckdb": """
        FROM 'x.csv'; FROM "x.csv"; SELECT * FROM 'x.parquet'; SELECT * FROM x.csv; FROM read_csv('x');
        FROM read_csv_auto('x'); FROM read_json_objects('x'); COPY (SELECT 1) TO 'x.csv';
        WITH c AS (COPY (SELECT 1) TO 'x') SELECT 1; EXPORT DATABASE 'x'; INSTALL httpfs; LOAD httpfs;
        FORCE INSTALL httpfs; ATTACH 'x.db'; ATTACH ':memory:' AS x; CHECKPOINT; FORCE CHECKPOINT;
        SET enable_external_access = true; RESET x; SET VARIABLE x = 1; CREATE MACRO lower(x) AS x;
        CREATE TEMP MACRO lower(x) AS x; CREATE SECRET (TYPE s3); DROP SECRET x; PRAGMA database_list;
        CALL pragma_version(); CREATE SEQUENCE s; SUMMARIZE 'x.csv'; DESCRIBE 'x.csv'; PIVOT 'x.csv' ON a;
        UNPIVOT 'x.csv' ON a; TABLE 'x.csv'; SHOW ALL TABLES; SHOW DATABASES; FROM query('DROP TABLE customer');
        FROM duckdb_secrets(); UPDATE EXTENSIONS; VACUUM ANALYZE; SELECT * FROM customer AT (VERSION => 1);
        CREATE OR REPLACE TABLE x AS FROM customer; INSERT INTO customer BY NAME SELECT 1; EXPLAIN (ANALYZE) SELECT 1;
        EXPLAIN ANALYZE FROM customer; FROM customer SELECT * INTO x; SUMMARIZE DELETE FROM customer; DESCRIBE;
        SUMMARIZE; FROM read_csv(['x', 'y']); FROM '*.csv'; FROM "https://x/y.csv"; WITH x AS (FROM 'x.csv') FROM x;
        SELECT * FROM customer JOIN 'x.csv' USING (id); SELECT (SELECT 1 FROM 'x.csv');
        MERGE INTO customer USING orders USING (id)
    """,
    "postgres": """
        COPY customer TO PROGRAM 'id'; COPY (SELECT 1) TO STDOUT; EXPLAIN ANALYZE SELECT 1 AS a INTO t;
        EXPLAIN (ANALYZE) SELECT 1; EXPLAIN (ANALYZE true) SELECT 1; EXPLAIN (VERBOSE, ANALYZE) SELECT 1;
        EXPLAIN (FORMAT JSON, ANALYZE ON) SELECT 1; EXPLAIN EXECUTE x; EXPLAIN CREATE TABLE x AS SELECT 1;
        DO $$ BEGIN END $$; SELECT 1 FROM customer FOR SHARE; SELECT 1 FROM customer FOR NO KEY UPDATE;
        SELECT 1 FROM customer FOR KEY SHARE; SELECT 1 FROM customer FOR UPDATE SKIP LOCKED;
        SELECT * FROM customer FOR UPDATE OF customer NOWAIT; SELECT 1 INTO TEMP x; SELECT 1 INTO UNLOGGED TABLE x;
        SET ROLE x; SET LOCAL x = 1; SET SESSION AUTHORIZATION x; RESET ALL; REFRESH MATERIALIZED VIEW x;
        CLUSTER customer; CREATE EXTENSION dblink; CREATE FUNCTION f() RETURNS int AS 'select 1' LANGUAGE sql;
        ALTER SYSTEM SET x = 1; LOCK customer; SECURITY LABEL ON TABLE x IS 'y'; REASSIGN OWNED BY a TO b;
        COMMIT AND CHAIN; ABORT; END; PREPARE TRANSACTION 'x'; SHOW x; SHOW TABLES;
        IMPORT FOREIGN SCHEMA x FROM SERVER y INTO z;
        WITH x AS (MERGE INTO customer USING orders ON true WHEN MATCHED THEN DELETE RETURNING 1) SELECT 1;
        TABLE pg_authid; SELECT * FROM pg_catalog.pg_authid; SELECT current_role;
        SELECT * FROM customer WHERE CURRENT OF x; CHECKPOINT; CREATE TEMP TABLE x AS SELECT 1
    """,
    "mysql": """
        SELECT 1 INTO OUTFILE '/tmp/x'; SELECT 1 INTO DUMPFILE '/tmp/x'; SELECT 1 INTO @x;
        SELECT * FROM customer INTO OUTFILE '/tmp/x'; SELECT name INTO @x FROM customer;
        SELECT 1 FROM customer FOR SHARE; SELECT 1 FROM customer LOCK IN SHARE MODE;
        SELECT * FROM customer PROCEDURE ANALYSE(); LOAD DATA INFILE 'x' INTO TABLE customer;
        LOAD DATA LOCAL INFILE 'x' INTO TABLE customer; SET @x = 1; SET GLOBAL x = 1; RENAME TABLE a TO b;
        OPTIMIZE TABLE a; REPAIR TABLE a; FLUSH TABLES; SHOW GRANTS; SHOW PROCESSLIST; SHOW CREATE TABLE x;
        DESCRIBE mysql.user; INSTALL PLUGIN x SONAME 'y'; SHUTDOWN; RESTART; XA START 'x'; DO SLEEP(1);
        HANDLER customer READ FIRST; SELECT SQL_CALC_FOUND_ROWS * FROM customer; SELECT HIGH_PRIORITY * FROM customer;
        EXPLAIN FOR CONNECTION 1; EXPLAIN FORMAT=TREE DELETE FROM customer; EXPLAIN ANALYZE FORMAT=TREE SELECT 1;
        SELECT 1 /*! INTO OUTFILE 'x' */; SELECT 1 /*!50000 FOR UPDATE */; SELECT /*+ SET_VAR(x=1) */ 1;
        TABLE customer INTO OUTFILE 'x'; CHANGE MASTER TO MASTER_HOST = 'x'; PURGE BINARY LOGS; RESET MASTER;
        SELECT @a := id FROM customer; CREATE USER x; WITH x AS (SELECT 1) SELECT * FROM x INTO OUTFILE 'y'
    """,
}

# Forms of text that hide something, wherever the rest of the statement is harmless.
TEXTS = (
    "SELECT 1; SELECT 2",
    "SELECT 1; DROP TABLE customer",
    "SELECT 1;;",
    ";",
    "",
    "   ",
    "-- only a comment",
    "SELECT 1; -- done\n; DELETE FROM customer",
    "SELECT 1 /* never closed",
    "SELECT 'never closed",
    'SELECT "never closed',
    "SELECT (1",
    "SELECT 1)",
    "SELECT [1",
    "SELECT " + "(" * 3000 + "1" + ")" * 3000,
    "SELECT " + "(" * 60 + "1" + ")" * 60,
    "SELECT '" + "x" * 200_000 + "'",
    "SELECT 1\x00",
    "\ufeffSELECT 1",
    "SELECT\u200b 1",
    "SELECT '\u202e'",
    "SELECT 1 -- \u2066",
    "SELECT 1 --x\rFROM customer",
    "SELECT\x0b1",
    "SELECT 1 /* a /* b */ c */",
    "SELECT 1 /*! 2 */",
    "SELECT /*+ hint */ 1",
    "SELECT {{ 1 }}",
    "SELECT 1 {% if x %} 2 {% endif %}",
    "SELECT 1 {# comment #}",
    "SELECT 1 -- {{ secret }}",
    "SELECT 1 /* {% raw %} */",
    "SELECT 1 AS {{ x }}",
    "SELECT\x1b[31m 1",
    "SELECT '\ud800'",
)


def more_calls(dialect: str) -> tuple[str, ...]:
    """Calls that must never pass, one a line of a file: what a red team found in manuals and extensions."""
    return _lines(f"danger_calls_{dialect}.txt")


def more_statements(dialect: str) -> tuple[str, ...]:
    """Whole statements that must never pass, one a line of a file."""
    return _lines(f"dangers_{dialect}.txt")


def _lines(file: str) -> tuple[str, ...]:
    text = Path(__file__).with_name("guard_statements").joinpath(file).read_text("utf-8")
    return tuple(line for line in text.split("\n") if line)


def split(text: str) -> tuple[str, ...]:
    """The pieces between semicolons; a literal here holds none."""
    return tuple(piece.strip() for piece in text.split(";") if piece.strip())
