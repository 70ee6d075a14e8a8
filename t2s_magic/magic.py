"""The magics: options, wiring, showing errors. The only importer of IPython."""

from __future__ import annotations

import argparse
import threading
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from IPython.core.interactiveshell import InteractiveShell
from IPython.core.magic import Magics, line_cell_magic, line_magic, magics_class, no_var_expand
from IPython.core.magic_arguments import argument, magic_arguments
from traitlets import Bool, Enum, Float, Int, TraitError, Unicode, validate

from t2s_magic.display import Display, NotebookDisplay, TerminalDisplay
from t2s_magic.errors import NotRunError, Text2SqlError, UsageError
from t2s_magic.options import COMMANDS, Line, option_strings, rewrite_questions, split_line, split_options

if TYPE_CHECKING:
    from t2s_magic.answer import Answer
    from t2s_magic.session import Session

# In the order in which an answer needs them; the last one is the slowest.
SLOW_IMPORTS = ("t2s_magic.session", "t2s_magic.answer", "t2s_magic.program")
INTERRUPTED = "Interrupted. Nothing was changed; ask again when you like."


def register(shell: InteractiveShell) -> None:
    """Register the magics and their settings, and warm up the slow imports in a thread."""
    magics = Text2SQL(shell=shell)
    shell.register_magics(magics)
    shell.configurables.append(magics)  # so that %config Text2SQL finds them
    shell.input_transformers_cleanup.append(rewrite_questions)
    for magic, complete in magics.completions().items():
        shell.set_hook("complete_command", complete, str_key=magic)
    threading.Thread(target=_warm_up, name="t2s_magic imports", daemon=True).start()


def _warm_up() -> None:
    for name in SLOW_IMPORTS:
        import_module(name)


@magics_class
class Text2SQL(Magics):  # type: ignore[misc]  # IPython has no types
    """``%%text2sql``, ``%text2sql`` and ``%t2s``; ``%config Text2SQL`` lists the settings."""

    lm = Unicode(
        help="The LM that writes SQL: builtin, starling, or any dspy.LM name such as openai/gpt-4o-mini. "
        "Empty: $T2S_LM, else starling if $T2S_API_BASE is set, else builtin."
    ).tag(config=True)
    program = Unicode(
        help="A compiled program (JSON) to use in place of the one that ships. Empty: the one that ships."
    ).tag(config=True)
    autorun = Bool(True, help="Run checked SQL at once where the engine itself enforces read-only.").tag(config=True)
    time_limit = Float(30.0, help="Seconds after which a statement is stopped.").tag(config=True)
    row_limit = Int(10_000, help="Rows fetched at most; a cut is said.").tag(config=True)
    cell_limit = Int(1_000_000, help="Characters or bytes kept of a cell; a cut is said.").tag(config=True)
    lm_time_limit = Float(60.0, help="Seconds that an LM may take for one call.").tag(config=True)
    lm_waking_limit = Float(
        1800.0, help="Seconds that a server may take to start: the first start downloads the model."
    ).tag(config=True)
    lm_price = Unicode(
        help="What the LM costs: dollars for a million tokens of prompts and of answers, such as 0.15/0.60, for 1,000 "
        "of either, such as 0.0004/1k, or an hour of its server, such as 1.95/h. Empty: litellm's price, where known."
    ).tag(config=True)
    constrained = Enum(
        ("auto", "on", "off"),
        "auto",
        help="Ask the LM's server to hold answers to a grammar of the dialect with the schema's names: auto asks a "
        "vLLM, on any server, off none.",
    ).tag(config=True)
    max_lm_calls = Int(3, help="LM calls a question may cost at most, repairs included.").tag(config=True)
    sample_values = Bool(
        False,
        help="Send cells of the database that match the question to a remote LM. The built-in model reads them on "
        "this machine in any case.",
    ).tag(config=True)
    pairs = Unicode("t2s_pairs.jsonl", help="The file of approved question-SQL pairs, beside the notebook.").tag(
        config=True
    )
    demos = Int(8, help="Approved pairs shown to the LM as demos, the most alike first; 0 for none.").tag(config=True)
    debug = Bool(False, help="Show Python's traceback under an error message.").tag(config=True)

    def __init__(self, shell: InteractiveShell) -> None:
        super().__init__(shell=shell, config=shell.config)
        self._session: Session | None = None

    @validate("time_limit", "lm_time_limit", "lm_waking_limit", "row_limit", "cell_limit", "max_lm_calls")
    def _more_than_nothing(self, proposal: Any) -> Any:
        if proposal["value"] <= 0:
            raise TraitError(f"Text2SQL.{proposal['trait'].name} has to be more than 0.")
        return proposal["value"]

    @property
    def session(self) -> Session:
        """What this notebook keeps between its cells; made when first needed, since its imports are slow."""
        if self._session is None:
            from t2s_magic.session import Session

            self._session = Session(self, self.shell.user_ns, Path.cwd())
        return self._session

    @no_var_expand
    @line_cell_magic("text2sql")
    @magic_arguments()
    @argument("--lm", metavar="NAME", help="the LM for this question: builtin, starling, or any dspy.LM name")
    @argument("-c", "--connection", metavar="ALIAS", help="ask this jupysql connection, not the current one")
    @argument("--run", action="store_true", help="run it also when autorun is off or the model is not sure")
    @argument("--no-run", action="store_true", help="write the SQL and wait for Run")
    @argument("--save", metavar="NAME", help="keep the SQL under this name, for %%%%sql --with NAME")
    @argument("--evidence", metavar="TEXT", help="a hint for this question: 'active means status = 1'")
    @argument("--debug", action="store_true", help="show Python's traceback under an error message")
    def text2sql(self, line: str, cell: str | None = None) -> Answer | None:
        """Ask the connected database a question in plain words.

        ::

            %%text2sql
            Which five customers spent the most last year?

        The answer shows what its SQL does in words, the SQL to read and edit, and the rows. It is read-only: the SQL
        is checked before it runs, and runs in a read-only transaction. ``name <<`` before the question binds the rows
        to a name, as in ``%%sql``. ``%config Text2SQL`` lists the settings, ``%t2s`` the commands.
        """
        answer: Answer | None = self._told(lambda: self._ask(line, cell or ""), debug="--debug" in line.split())
        return answer

    @no_var_expand
    @line_magic("t2s")
    def t2s(self, line: str) -> None:
        """Everything that is not a question; ``%t2s`` alone lists the commands."""
        self._told(lambda: self._command(line))

    def _told(self, act: Callable[[], Any], *, debug: bool = False) -> Any:
        """Do it. A problem fails the cell, so that nothing after it runs on old rows, in one line and no traceback."""
        try:
            return act()
        except Text2SqlError as problem:
            if not (debug or self.debug):
                _show_as_line(problem, problem.message)
            raise
        except KeyboardInterrupt as interrupt:
            _show_as_line(interrupt, INTERRUPTED)
            raise

    def _ask(self, line: str, cell: str) -> Answer:
        options, name, question = self._read(line, cell)
        display = self._display()
        display.tell("Getting ready …" if self._session is None else "Reading the question …")
        try:
            answer = self.session.ask(
                question,
                lm=options.lm,
                connection=options.connection,
                evidence=options.evidence or "",
                display=display,
                autorun=(self.autorun or options.run) and not options.no_run,
                even_if_unsure=options.run,
            )
        except (Text2SqlError, KeyboardInterrupt):
            display.clear()
            raise
        if answer.problem:
            if not display.is_live:
                print(answer)  # noqa: T201 - a cell that fails has no value for IPython to print
            raise NotRunError(answer.problem, sql=answer.sql)
        if options.save:
            self.session.save(options.save, answer)
        if name:
            self.shell.user_ns[name] = answer.rows
        return answer

    def _display(self) -> Display:
        return NotebookDisplay(self.shell) if hasattr(self.shell, "kernel") else TerminalDisplay(self.shell)

    def _read(self, line: str, cell: str) -> tuple[argparse.Namespace, str, str]:
        parser = self.text2sql.parser
        taken: Line = split_line(line, parser)
        question = "\n".join(part for part in (taken.question, cell.strip()) if part)
        if not question:
            raise UsageError("The question is empty. Write it under %%text2sql, such as: How many customers are there?")
        options = parser.parse_args(split_options(taken.options))
        if options.run and options.no_run:
            raise UsageError("--run and --no-run exclude each other. Keep one of them.")
        return options, taken.name, question

    def _command(self, line: str) -> None:
        from t2s_magic.commands import run_command
        from t2s_magic.widget import visible

        name, _, rest = line.strip().partition(" ")
        display = self._display()
        if name == "optimize" and display.is_live and "--wait" not in rest.split():
            from t2s_magic.live_study import LiveStudy

            LiveStudy(self.session, rest, display).start()
            return
        print(visible(run_command(line, self.session)))  # noqa: T201 - a command's answer is text

    def completions(self) -> dict[str, Callable[..., list[str]]]:
        """For each magic, what the Tab key offers after it."""
        options = option_strings(self.text2sql.parser)
        return {
            "%text2sql": lambda *_: options,
            "%%text2sql": lambda *_: options,
            "%t2s": lambda *_: list(COMMANDS),
        }


def _show_as_line(problem: BaseException, message: str) -> None:
    """Let IPython show ``problem`` as ``message`` instead of a traceback."""
    from t2s_magic.widget import visible

    # IPython asks an exception for this method before it makes a traceback of its own; ipyparallel uses it, too.
    problem._render_traceback_ = visible(message).splitlines  # type: ignore[attr-defined]
