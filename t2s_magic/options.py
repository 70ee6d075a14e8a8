"""A magic's line, taken apart: options first, then ``name <<``, then the question as it was typed.

A question is not a shell's command line: "Who's our best customer?" has an apostrophe that shlex takes for an open
quotation. So only the options are split like a command line; the rest stays untouched.
"""

from __future__ import annotations

import argparse
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from t2s_magic.errors import UsageError

_WORD = re.compile(r"""\s*((?:"[^"]*"|'[^']*'|[^\s"'])+)""")
_ASKING = re.compile(r"(\s*(?:[^\W\d]\w*\s*=\s*)?)%text2sql\s+(\S.*\?)\s*")
_ASKING_IN_ONE_LINE = re.compile(r"(\s*)%%text2sql(?:\s+(.*?))?\s*")
_BINDING = re.compile(r"\s*([^\W\d]\w*)\s*<<\s*")


COMMANDS = {
    "status": "LM, program, connection, and what leaves this machine",
    "lm": "which LM answers; lm NAME changes it",
    "prompt": "the exact text that the LM was sent last",
    "pairs": "the approved question-SQL pairs; pairs remove NUMBER forgets one",
    "optimize": "compare programs on the approved pairs, held-out questions apart; --data FILE, --optimizers, --lm, …",
    "program": "which program writes SQL; program FILE uses another, program default the one that ships",
    "use": "use NAME_OR_PATH adds a DataFrame or a file to what can be asked about",
    "clear": "forget what was read of the databases, and the last answer",
}


@dataclass(frozen=True)
class Line:
    """``options`` as typed, the ``name`` that the rows are bound to ("" for none), and the rest: the question."""

    options: str
    name: str
    question: str


def split_line(line: str, parser: argparse.ArgumentParser) -> Line:
    """Take a magic's line apart. Raises UsageError for an option that ``parser`` does not know."""
    takes_value = _takes_value(parser)
    position = 0
    while (word := _WORD.match(line, position)) and word[1].startswith("-") and len(word[1]) > 1:
        option, _, value = word[1].partition("=")
        if option not in takes_value:
            raise UsageError(_unknown(option, takes_value))
        position = word.end()
        if takes_value[option] and not value:
            position = _end_of_value(line, position, option)
    binding = _BINDING.match(line, position)
    rest = line[binding.end() if binding else position :]
    return Line(line[:position].strip(), binding[1] if binding else "", rest.strip())


def rewrite_questions(lines: list[str]) -> list[str]:
    """A cell's lines, with questions spelled so that IPython hands them on.

    IPython reads a word with a question mark at a line's end as a call for help before it looks for magics, so
    ``%text2sql who is oldest?`` would look up ``oldest``; and it refuses a cell magic without a cell below its line,
    where ``%%text2sql who is oldest?`` is all there is to say.
    """
    if lines and lines[0].lstrip().startswith("%%"):
        return _with_one_line_question(lines)
    return [_as_call(line, _ASKING.fullmatch(line)) for line in lines]


def _with_one_line_question(lines: list[str]) -> list[str]:
    if any(line.strip() for line in lines[1:]):
        return lines
    return [_as_call(lines[0], _ASKING_IN_ONE_LINE.fullmatch(lines[0])), *lines[1:]]


def _as_call(line: str, asking: re.Match[str] | None) -> str:
    return f"{asking[1]}get_ipython().run_line_magic('text2sql', {(asking[2] or '')!r})\n" if asking else line


def split_options(options: str) -> list[str]:
    """The options' words, without their quotation marks."""
    return shlex.split(options)


def option_strings(parser: argparse.ArgumentParser) -> list[str]:
    """Every option the parser knows, the long spellings first."""
    return sorted(_takes_value(parser), key=lambda option: (not option.startswith("--"), option))


def _takes_value(parser: argparse.ArgumentParser) -> Mapping[str, bool]:
    return {option: action.nargs != 0 for action in parser._actions for option in action.option_strings}


def _end_of_value(line: str, position: int, option: str) -> int:
    value = _WORD.match(line, position)
    if value is None:
        raise UsageError(f"{option} wants a value after it.")
    return value.end()


def _unknown(option: str, known: Mapping[str, bool]) -> str:
    near = get_close_matches(option, known, n=1)
    hint = f"Did you mean {near[0]}?" if near else "%%text2sql? lists the options."
    return f"There is no option {option}. {hint}"
