import argparse

import pytest

from t2s_magic.errors import UsageError
from t2s_magic.options import Line, split_line, split_options


@pytest.fixture
def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--lm")
    parser.add_argument("-c", "--connection")
    parser.add_argument("--no-run", action="store_true")
    return parser


def test_an_apostrophe_in_the_question_is_no_quotation(parser):
    assert split_line("Who's our best customer?", parser) == Line("", "", "Who's our best customer?")


def test_options_come_first_and_the_question_stays_as_typed(parser):
    line = split_line("--no-run --lm openai/gpt-4o   what's  new -- today?", parser)
    assert line == Line("--no-run --lm openai/gpt-4o", "", "what's  new -- today?")


def test_a_name_takes_the_rows(parser):
    assert split_line("--no-run top << Which are best?", parser) == Line("--no-run", "top", "Which are best?")
    assert split_line("top<<", parser) == Line("", "top", "")


def test_a_value_may_hold_spaces_in_quotation_marks(parser):
    line = split_line('--connection "my db" how many?', parser)
    assert (split_options(line.options), line.question) == (["--connection", "my db"], "how many?")
    assert split_line("--lm=builtin how many?", parser).options == "--lm=builtin"


def test_an_unknown_option_is_named_with_its_nearest(parser):
    with pytest.raises(UsageError, match=r"no option --no-rum. Did you mean --no-run\?"):
        split_line("--no-rum how many?", parser)


def test_an_option_without_its_value_says_so(parser):
    with pytest.raises(UsageError, match="--lm wants a value"):
        split_line("--lm", parser)


def test_a_minus_sign_alone_begins_the_question(parser):
    assert split_line("- how many?", parser).question == "- how many?"
