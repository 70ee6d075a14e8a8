"""Parts of the built-in model: packing of weights, features, search and confidence."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from t2s_magic.builtin import weights
from t2s_magic.builtin.alignment import align
from t2s_magic.builtin.beam import Answer
from t2s_magic.builtin.confidence import Confidence, signs_of
from t2s_magic.builtin.encoder import batches_by_length, mean_per_word
from t2s_magic.builtin.features import (
    Flag,
    Relation,
    item_position,
    item_token,
    read_question_features,
    read_schema_features,
)
from t2s_magic.builtin.fitting import PENALTY, Fitting
from t2s_magic.builtin.joins import JoinGraph
from t2s_magic.builtin.looks import MOST_LOOKS, look_at, look_signs
from t2s_magic.builtin.preselect import MOST_TABLES, Preselector
from t2s_magic.builtin.sense import is_senseless, misplaced_values
from t2s_magic.builtin.signs import Posed, all_signs
from t2s_magic.builtin.tokens import Candidate, ColumnRef, TableRef, Token, ValueRef
from t2s_magic.builtin.tree import read
from t2s_magic.builtin.vocabulary import BEGIN, END, Vocabulary, demo_memory
from t2s_magic.schema import Column, ForeignKey, Schema, Table

SHOP = Schema(
    "sqlite",
    (
        Table("customers", (Column("cust_id", "INTEGER"), Column("home city", "TEXT")), primary_key=("cust_id",)),
        Table(
            "orders",
            (Column("cust_id", "INTEGER"), Column("qty", "INTEGER")),
            foreign_keys=(ForeignKey(("cust_id",), "customers", ("cust_id",)),),
        ),
    ),
)

CITY, QUANTITY = ColumnRef(0, 1), ColumnRef(1, 1)


def relation(words: list[str], word: int, item: int, candidates: tuple[Candidate, ...] = ()) -> Relation:
    features = read_question_features(words, read_schema_features(SHOP), candidates)
    return Relation(int(features.relations[word, len(words) + item]))


def test_packed_weights_are_within_half_a_step_of_the_originals() -> None:
    array = np.random.default_rng(1).normal(size=(64, 96)).astype(np.float32)

    packed = weights.pack({"layer": array, "bias": array[0]})

    restored = packed["layer:values"] * packed["layer:scales"]
    assert np.abs(restored - array).max() <= packed["layer:scales"].max() / 2 + 1e-6
    assert (packed["bias"] == array[0]).all()


def test_a_word_is_the_mean_of_its_pieces_and_words_outside_the_window_are_zero() -> None:
    out = np.zeros((3, 2), np.float32)

    mean_per_word(np.array([[9, 9], [1, 3], [3, 5], [7, 7]], np.float32), [-1, 0, 0, 1], out)

    assert out.tolist() == [[2, 4], [7, 7], [0, 0]]


def test_texts_of_like_length_share_a_batch_within_the_budget() -> None:
    assert list(batches_by_length([5, 1, 9, 2], 10)) == [[1, 3], [0], [2]]


def test_items_and_pointers_are_inverse() -> None:
    schema = read_schema_features(SHOP)
    pointers = [
        ColumnRef(0, 0),
        ColumnRef(0, 1),
        ColumnRef(1, 0),
        ColumnRef(1, 1),
        TableRef(0),
        TableRef(1),
        ValueRef(0),
    ]

    assert [item_position(pointer, schema) for pointer in pointers] == list(range(7))
    assert [item_token(place, schema) for place in range(7)] == pointers


def test_a_name_is_matched_whole_in_part_or_by_its_short_form() -> None:
    words = ["home", "city", "and", "quantity", "by", "customer"]

    assert relation(words, 1, 1) == Relation.WORD_COLUMN_WHOLE
    assert relation(["city"], 0, 1) == Relation.WORD_COLUMN_PART
    assert relation(words, 3, 3) == Relation.WORD_COLUMN_SHORT
    assert relation(words, 5, 4) == Relation.WORD_TABLE_WHOLE
    assert relation(words, 2, 3) == Relation.WORD_COLUMN


def test_a_cell_ties_its_words_to_every_column_that_holds_it() -> None:
    cell = Candidate("Lima", "cell", 0, 1, 1, 2, others=(ColumnRef(1, 1),))

    assert relation(["in", "lima"], 1, 1, (cell,)) == Relation.WORD_COLUMN_CELL
    assert relation(["in", "lima"], 1, 3, (cell,)) == Relation.WORD_COLUMN_CELL
    assert relation(["in", "lima"], 0, 1, (cell,)) == Relation.WORD_COLUMN


def test_a_name_without_meaning_is_found_by_its_comment() -> None:
    schema = Schema("duckdb", (Table("t1", (Column("c7", "TEXT", comment="surname of the customer"), Column("c8"))),))
    features = read_schema_features(schema)

    read = read_question_features(["customer", "surnames"], features, ())

    assert read.relations[0, 2] == Relation.WORD_COLUMN_PART
    assert read.relations[1, 2] == Relation.WORD_COLUMN_PART
    assert read.relations[1, 3] == Relation.WORD_COLUMN


def test_keys_are_told_to_the_network() -> None:
    features = read_schema_features(SHOP)

    assert features.flags[0, Flag.PRIMARY_KEY] == 1
    assert features.flags[2, Flag.FOREIGN_KEY] == 1
    assert features.relations[2, 0] == Relation.COLUMN_REFERS_TO
    assert features.relations[0, 2] == Relation.COLUMN_REFERRED_BY
    assert features.relations[5, 4] == Relation.TABLE_REFERS_TO


def test_only_the_demos_most_like_the_question_are_remembered() -> None:
    memory = demo_memory([(0.1, [7]), (0.9, [8, 9]), (0.5, [7]), (0.4, [7])])

    assert memory[:3] == [(BEGIN, 8, 0.9), (8, 9, 0.9), (9, END, 0.9)]
    assert {likeness for _, _, likeness in memory} == {0.9, 0.5, 0.4}


def unlike(words: Sequence[str]) -> NDArray[np.float32]:
    """Vectors by which no word means the same as another."""
    return np.zeros((len(words), 2), np.float32)


def test_the_tables_around_a_named_one_are_kept_when_they_say_the_other_words() -> None:
    others = tuple(Table(f"customers_{number}", (Column("entry"),)) for number in range(2 * MOST_TABLES))
    preselector = Preselector(Schema("sqlite", (*others, *SHOP.tables)), unlike)

    kept = preselector.choose(preselector.scores(["customers", "with", "the", "highest", "total", "of", "orders"]))

    assert {"orders", "customers"} <= {table.name for table in kept.tables}


def test_a_large_schema_is_cut_and_keeps_what_its_tables_refer_to() -> None:
    others = tuple(Table(f"log_{number}", (Column("entry"),)) for number in range(MOST_TABLES))
    preselector = Preselector(Schema("sqlite", (*others, *SHOP.tables)), unlike)

    kept = preselector.choose(preselector.scores(["how", "many", "orders"]))

    assert preselector.is_needed
    assert len(kept.tables) == MOST_TABLES
    assert {"orders", "customers"} <= {table.name for table in kept.tables}


def posed(question: str, candidates: tuple[Candidate, ...] = (), linked: dict[Token, float] | None = None) -> Posed:
    schema = read_schema_features(SHOP)
    features = read_question_features(question.split(), schema, candidates)
    return Posed(candidates, linked or {}, align(features, schema), JoinGraph(SHOP))


def signs_of_one(question: str, *tokens: Token, candidates: tuple[Candidate, ...] = ()) -> dict[str, float]:
    (signs,) = all_signs(posed(question, candidates), [Answer(tokens, (-0.1,) * (len(tokens) + 1))])
    return signs


def test_an_answer_that_leaves_out_a_quoted_text_is_less_sure() -> None:
    candidates = (Candidate("Lima", "text", start=3, end=4),)
    with_it = Answer((ColumnRef(0, 0), "where", ColumnRef(0, 1), "=", ValueRef(0)), (-0.5,))
    without = Answer((ColumnRef(0, 0),), (-0.5,))
    question = posed("customers of city Lima", candidates)

    signs = all_signs(question, [with_it, without])
    sure, unsure = Confidence({}).probabilities(signs_of(question, [with_it, without]))

    assert [of_answer["unused_texts"] for of_answer in signs] == [0, 1]
    assert sure > unsure


def test_probabilities_leave_room_for_no_answer_being_right() -> None:
    answers = [Answer((CITY,), (-0.2,)), Answer((QUANTITY,), (-2.0,)), Answer((CITY, CITY), (-2.5,))]

    city, quantity, twice = Confidence({}).probabilities(signs_of(posed("home city"), answers))

    assert city > quantity > twice == 0
    assert city + quantity < 1


def test_items_in_another_order_than_in_the_question_are_a_sign() -> None:
    question = "how many orders by home city"

    assert signs_of_one(question, "count", TableRef(1), CITY)["items_turned_round"] == 0
    assert signs_of_one(question, CITY, "count", TableRef(1))["items_turned_round"] == 1


def test_a_column_that_the_question_names_and_the_answer_leaves_out_is_a_sign() -> None:
    assert signs_of_one("home city of customers", CITY)["whole_names_left_out"] == 0
    assert signs_of_one("home city of customers", ColumnRef(0, 0))["whole_names_left_out"] == 2


def test_columns_that_are_not_alike_are_no_members_of_each_other() -> None:
    def is_in(column: ColumnRef) -> float:
        tokens = (CITY, "where", ColumnRef(0, 0), "in", "(", column, ")")
        return signs_of_one("who has orders", *tokens)["unlike_members"]

    assert is_in(ColumnRef(1, 0)) == 0
    assert is_in(QUANTITY) == 1


def test_answers_with_the_same_rows_support_each_other() -> None:
    rows = {"a": [(1, "x"), (2, "y")], "b": [(2.0, "y"), (1.0, "x")], "c": [("x", 1), ("y", 2)], "d": []}

    looks = look_at(rows, rows.__getitem__)
    first, second, turned, empty = look_signs(list(looks.values()), [0.4, 0.3, 0.2, 0.1])

    assert first["same_rows"] == second["same_rows"] == pytest.approx(0.7)
    assert (turned["same_rows"], turned["alike_rows"]) == pytest.approx((0.2, 0.9))
    assert empty["same_rows"] == pytest.approx(0.1)
    assert [one["no_rows"] for one in (first, empty)] == [0, 1]


def test_a_statement_that_fails_is_passed_over_and_the_next_is_looked_at() -> None:
    looks = look_at(map(str, range(20)), lambda sql: None if int(sql) < 3 else [(sql,)])

    assert list(looks) == [str(number) for number in range(3, 3 + MOST_LOOKS)]


def test_without_time_for_all_rows_none_count() -> None:
    def slow(sql: str) -> list[tuple[int]]:
        if sql == "second":
            raise TimeoutError
        return [(1,)]

    assert look_at(["first", "second"], slow) == {}


def test_a_cell_is_held_back_from_columns_that_do_not_hold_it() -> None:
    vocabulary = Vocabulary(("=", ">", "where"))
    candidates = (Candidate("Lima", "cell", 0, 1, 0, 1), Candidate("7", "number"))
    fitting = Fitting(vocabulary, read_schema_features(SHOP), JoinGraph(SHOP), candidates, words=1)
    first = vocabulary.size + 1
    city, quantity, lima = first + 1, first + 3, first + read_schema_features(SHOP).size
    equals, more = vocabulary.ids["="], vocabulary.ids[">"]

    def held_back(*ids: int) -> list[float] | None:
        penalties = fitting.penalties(ids)
        return None if penalties is None else penalties[lima:].tolist()

    assert held_back(city, equals) == [0, 0]
    assert held_back(quantity, equals) == [PENALTY, 0]
    assert held_back(quantity, more) is None
    assert held_back(city) is None


def test_a_subquery_after_in_should_select_a_column_that_joins() -> None:
    vocabulary = Vocabulary(("(", "distinct", "not_in", "where"))
    fitting = Fitting(vocabulary, read_schema_features(SHOP), JoinGraph(SHOP), (), words=1)
    first = vocabulary.size + 1
    key, city, key_of_order, quantity, customers, orders = range(first, first + 6)
    opening, distinct, not_in = (vocabulary.ids[word] for word in ("(", "distinct", "not_in"))

    for ids in ((key, not_in, opening), (key, not_in, opening, distinct)):
        penalties = fitting.penalties(ids)
        assert penalties is not None
        assert penalties[[key, key_of_order]].tolist() == [0, 0]
        assert penalties[[city, quantity, customers, orders]].tolist() == [PENALTY] * 4
    assert fitting.penalties((key, opening)) is None


@pytest.mark.parametrize(
    "tokens",
    [
        (CITY, CITY),
        (CITY, "except", CITY),
        (CITY, "where", CITY, "=", ValueRef(0), "or", CITY, "=", ValueRef(0)),
        (CITY, "where", QUANTITY, ">", ValueRef(1), "and", QUANTITY, "<", ValueRef(1)),
        (CITY, "where", QUANTITY, "between", ValueRef(2), ValueRef(1)),
    ],
)
def test_what_no_question_asks_for_is_recognized(tokens: tuple[Token, ...]) -> None:
    candidates = (Candidate("Lima", "text"), Candidate("600", "number"), Candidate("700", "number"))

    assert is_senseless(read(tokens), candidates)


def test_a_range_and_two_cities_make_sense() -> None:
    candidates = (
        Candidate("Lima", "text"),
        Candidate("Oslo", "text"),
        Candidate("6", "number"),
        Candidate("7", "number"),
    )
    cities = (CITY, "where", CITY, "=", ValueRef(0), "or", CITY, "=", ValueRef(1))
    between = (CITY, "where", QUANTITY, "between", ValueRef(2), ValueRef(3))

    assert not is_senseless(read(cities), candidates)
    assert not is_senseless(read(between), candidates)


def test_a_cell_compared_with_another_column_is_misplaced() -> None:
    candidates = (Candidate("Lima", "cell", 0, 1, 0, 1),)

    assert misplaced_values(read((CITY, "where", CITY, "=", ValueRef(0))), candidates, SHOP) == 0
    assert misplaced_values(read((CITY, "where", QUANTITY, "=", ValueRef(0))), candidates, SHOP) == 1
