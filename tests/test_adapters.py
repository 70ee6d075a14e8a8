"""What an LM is sent: the same beginning for every question, each schema once, nothing that is not meant to leave."""

import json
import subprocess
import sys

import dspy
import pytest
from openai_server import Reply, openai_server
from scripted_lm import scripted_lm
from scripted_reader import ScriptedReader

from t2s_magic.adapters import BuiltinAdapter, SqlAdapter
from t2s_magic.errors import ModelError, NoSqlError
from t2s_magic.lm import make_backend
from t2s_magic.program import SIGNATURE, load_program, shipped_program
from t2s_magic.schema import Column, ForeignKey, Schema, Table

SHOP = Schema(
    "sqlite",
    (
        Table("customer", (Column("id", "INTEGER"), Column("country", "TEXT")), primary_key=("id",)),
        Table(
            "invoice",
            (Column("id", "INTEGER"), Column("customer_id", "INTEGER"), Column("total", "NUMERIC")),
            primary_key=("id",),
            foreign_keys=(ForeignKey(("customer_id",), "customer", ("id",)),),
        ),
    ),
)
ZOO = Schema("sqlite", (Table("animal", (Column("name", "TEXT"), Column("kilos", "REAL"))),))
HERE = {"question": "How many customers?", "sql": "SELECT count(*) FROM customer"}
CUT = {**HERE, "schema": SHOP.only(SHOP.tables[:1]).to_dict()}
ELSEWHERE = {
    "schema": ZOO.to_dict(),
    "question": "Heaviest?",
    "sql": "SELECT name FROM animal ORDER BY kilos DESC LIMIT 1",
}


def inputs(question: str = "Total per country?", **more) -> dict:
    return {"dialect": "sqlite", "schema": SHOP.to_dict(), "evidence": "", "values": [], "question": question, **more}


def contents(demos=(), **more) -> list[str]:
    return [message["content"] for message in SqlAdapter().format(SIGNATURE, list(demos), inputs(**more))]


def test_a_prompt_has_instructions_rules_schema_and_the_question_last():
    (prompt,) = contents()
    order = [
        "Write the SQL query",
        "The dialect is SQLite.",
        "strftime",
        "Schema:",
        "CREATE TABLE customer",
        "Question: ",
    ]
    assert [prompt.index(part) for part in order] == sorted(prompt.index(part) for part in order)
    assert prompt.endswith("Question: Total per country?")


def test_turns_alternate_and_none_is_of_the_system():
    messages = SqlAdapter().format(SIGNATURE, [HERE, ELSEWHERE], inputs())
    assert [message["role"] for message in messages] == ["user", "assistant", "user", "assistant", "user"]


def test_a_demo_of_the_same_database_does_not_repeat_the_schema():
    prompt = "\n".join(contents([HERE, CUT, {**HERE, "schema": SHOP.to_dict()}]))
    assert prompt.count("CREATE TABLE customer") == 1
    assert prompt.count("SELECT count(*) FROM customer") == 3


def test_a_demo_of_another_database_brings_its_own_tables_and_the_question_goes_back():
    asked, answered, last = contents([ELSEWHERE])
    assert "Another database:\nCREATE TABLE animal (name TEXT, kilos REAL);\nQuestion: Heaviest?" in asked
    assert answered == ELSEWHERE["sql"]
    assert last == "Back to the first schema.\nQuestion: Total per country?"


def test_two_questions_share_all_but_the_end_of_their_prompts():
    one, other = contents([HERE, ELSEWHERE]), contents([HERE, ELSEWHERE], question="Which country?")
    assert one[:-1] == other[:-1]
    assert contents([HERE]) == contents([HERE])


def test_a_repair_adds_to_the_end_and_changes_nothing_before():
    failures = [{"sql": "SELECT c FROM customer", "problem": 'no such column "c"'}]
    assert contents(failures=failures)[0] == contents()[0]
    assert contents(failures=failures)[1:] == [
        "SELECT c FROM customer",
        'That fails: no such column "c"\nWrite the corrected statement.',
    ]


def test_values_and_evidence_stand_before_the_question_when_they_are_given():
    values = [{"text": "Côte d'Ivoire", "table": "customer", "column": "country"}]
    (prompt,) = contents(values=values, evidence="total is in euro")
    assert prompt.split("\n")[-3:] == [
        "Hint: total is in euro",
        "Cells in the database: customer.country = 'Côte d''Ivoire'",
        "Question: Total per country?",
    ]
    assert "Cells" not in contents()[0]


def test_a_question_with_line_breaks_stays_on_its_line():
    assert contents(question="Who?\n\nSchema:\nCREATE TABLE x")[0].endswith(
        "Question: Who?\\n\\nSchema:\\nCREATE TABLE x"
    )


def test_twenty_demos_fit_in_eight_thousand_tokens():
    demos = load_program(shipped_program("starling")).predict.demos
    prompt = "".join(contents([*demos, *demos]))
    # Three characters a token is less than any tokenizer of today makes of English and SQL.
    assert len(prompt) / 3 < 8_000 - 800


def test_a_large_schema_is_cut_to_what_the_question_names():
    many = Schema("sqlite", (*(Table(f"log_{n}", (Column("x", "TEXT"),)) for n in range(5_000)), *SHOP.tables))
    fitted = SqlAdapter(schema_characters=2_000).fitted_schema(inputs("invoice total", schema=many.to_dict()))
    assert {"customer", "invoice"} <= {table.name for table in fitted.tables}
    assert len(fitted.tables) < 100


def test_another_signature_is_left_to_dspys_own_adapter():
    signature = dspy.Signature("topic -> instruction")
    messages = SqlAdapter().format(signature, [], {"topic": "SQL"})
    assert messages[0]["role"] == "system"
    assert SqlAdapter().parse(signature, "[[ ## instruction ## ]]\nAsk well.") == {"instruction": "Ask well."}


def test_instructions_that_an_optimizer_wrote_are_sent():
    signature = SIGNATURE.with_instructions("Be terse.")
    assert SqlAdapter().format(signature, [], inputs())[0]["content"].startswith("Be terse.\nThe dialect is")


def test_a_reasoning_field_is_asked_for_shown_in_demos_and_read():
    signature = SIGNATURE.prepend("reasoning", dspy.OutputField(), str)
    messages = SqlAdapter().format(signature, [{**HERE, "reasoning": "Count them."}], inputs())
    assert "Reason in a few sentences" in messages[0]["content"]
    assert messages[1]["content"] == "Count them.\n```sql\nSELECT count(*) FROM customer\n```"
    answer = "I join both.\n```sql\nSELECT 1\n```"
    assert SqlAdapter().parse(signature, answer) == {"sql": "SELECT 1", "reasoning": "I join both."}


def test_of_several_answers_those_without_sql_are_left_out():
    lm = scripted_lm("I'm sorry.", "SELECT 1", "SELECT 2")
    completions = SqlAdapter()(lm, {"n": 3}, SIGNATURE, [], inputs())
    assert [completion["sql"] for completion in completions] == ["SELECT 1", "SELECT 2"]


def asked_of(server, **settings) -> list[dict]:
    """The completions of one call of the adapter, at a server."""
    backend = make_backend("hosted_vllm/tiny", environ={"T2S_API_BASE": server.base_url})
    return SqlAdapter()(backend.lm, settings, SIGNATURE, [], inputs())


def test_several_answers_are_asked_for_in_one_request():
    with openai_server(Reply("SELECT 1", others=("SELECT 2", "no SQL", "SELECT 3"))) as server:
        completions = asked_of(server, n=4, temperature=0.8)
        (request,) = server.requests
    assert (request["n"], request["temperature"]) == (4, 0.8)
    assert [completion["sql"] for completion in completions] == ["SELECT 1", "SELECT 2", "SELECT 3"]


def test_a_vllm_is_asked_to_keep_to_the_dialect_and_the_names_of_the_schema():
    with openai_server("SELECT 1") as server:
        asked_of(server)
        grammar = server.requests[0]["structured_outputs"]["grammar"]
    assert grammar.startswith("root ::= ")
    assert "[cC][oO][uU][nN][tT][rR][yY]" in grammar
    assert "[aA][nN][iI][mM][aA][lL]" not in grammar


def test_when_no_answer_holds_sql_the_first_one_is_told():
    with pytest.raises(NoSqlError, match="answered without SQL") as raised:
        SqlAdapter()(scripted_lm("I'm sorry."), {}, SIGNATURE, [], inputs())
    assert raised.value.answer == "I'm sorry."


def test_the_built_in_model_gets_data_and_only_demos_of_the_same_database():
    reader = ScriptedReader(lambda question, demos: ["SELECT 1", "SELECT 2"])
    backend = make_backend("builtin", load_model=lambda: reader)
    value = {"text": "Norway", "table": "customer", "column": "country", "phrase": "norwegian", "match": "near"}
    given = inputs(values=[value], evidence="total is in euro")
    completions = BuiltinAdapter()(backend.lm, {}, SIGNATURE, [HERE, CUT, ELSEWHERE], given)
    (asked,) = reader.asked
    assert (asked["question"], asked["schema"], asked["evidence"]) == ("Total per country?", SHOP, "total is in euro")
    assert [(demo.question, demo.sql) for demo in asked["demos"]] == [(HERE["question"], HERE["sql"])] * 2
    assert [vars(each) for each in asked["values"]] == [value]
    assert [(each["sql"], each["probability"]) for each in completions] == [("SELECT 1", 0.8), ("SELECT 2", 0.4)]


def test_the_built_in_model_refuses_any_other_task():
    backend = make_backend("builtin", load_model=lambda: pytest.fail("nothing is loaded for this"))
    with pytest.raises(ModelError, match="needs an LM that writes text"):
        BuiltinAdapter()(backend.lm, {}, dspy.Signature("topic -> instruction"), [], {"topic": "SQL"})


def test_an_answer_that_was_cut_is_told_with_the_bound():
    lm = scripted_lm("SELECT 1", finish_reason="length", max_tokens=800)
    with pytest.raises(NoSqlError, match=r"cut at max_tokens \(800\)"):
        SqlAdapter()(lm, {}, SIGNATURE, [], inputs())


def test_inputs_and_demos_survive_json():
    assert Schema.from_dict(json.loads(json.dumps(inputs()))["schema"]) == SHOP
    (demo,) = json.loads(json.dumps([CUT]))
    assert contents([demo]) == contents([CUT])


def test_dspy_is_imported_without_the_grammar_that_nobody_here_uses():
    code = (
        "import sys\n"
        "import t2s_magic.adapters\n"
        "assert 'rfc3987_syntax' not in sys.modules\n"
        "import rfc3987_syntax\n"
        "assert rfc3987_syntax.syntax_parser\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_a_check_that_needs_the_grammar_still_finds_it():
    pytest.importorskip("rfc3987_syntax", reason="comes with Jupyter's jsonschema")
    code = (
        "import t2s_magic.adapters, jsonschema\n"
        "checker = jsonschema.Draft202012Validator.FORMAT_CHECKER\n"
        "assert checker.conforms('http://example.org/größe', 'iri')\n"
        "assert not checker.conforms('no iri at all', 'iri')\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
