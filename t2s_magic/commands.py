"""``%t2s COMMAND``: everything that is not a question. Each command returns the text that a person reads."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from difflib import get_close_matches

from t2s_magic.errors import NoConnectionError, UsageError
from t2s_magic.memory import Pair
from t2s_magic.options import COMMANDS
from t2s_magic.session import Session, enforcement_of

Command = Callable[[Session, str], str]


def run_command(line: str, session: Session) -> str:
    """Run one command and return what it says. Raises UsageError for a command that does not exist."""
    name, _, rest = line.strip().partition(" ")
    if not name:
        return help_text()
    if name not in _COMMANDS:
        near = get_close_matches(name, COMMANDS, n=1)
        raise UsageError(f"There is no command {name!r}. " + (f"Did you mean {near[0]}?" if near else help_text()))
    return _COMMANDS[name](session, rest.strip())


def help_text() -> str:
    """One line a command."""
    width = max(map(len, COMMANDS))
    return "\n".join(["Commands of %t2s:", *(f"  {name:<{width}}  {what}" for name, what in COMMANDS.items())])


def status(session: Session, _: str) -> str:
    """LM, program, connection, what leaves this machine, pairs and limits."""
    asker, limits = session.asker(), session.limits()
    backend = asker.backend
    pairs = session.pairs()
    lines = {
        "LM": f"{backend.name} at {backend.host}" if backend.host else backend.name,
        "program": asker.program.label,
        "connection": _connection(session),
        "leaves this machine": _leaving(session),
        "approved pairs": f"{len(pairs.load())} in {pairs.path.name}",
        "limits": f"{limits.seconds:g} s, {limits.rows:,} rows, {limits.cell:,} characters a cell, "
        f"{session.settings.max_lm_calls} LM calls a question",
    }
    width = max(map(len, lines))
    return "\n".join(f"{name:<{width}}  {text}" for name, text in lines.items())


def _connection(session: Session) -> str:
    try:
        database = session.connections.database(None)
    except NoConnectionError as problem:
        return str(problem)
    tables = len(database.schema().tables)
    return " · ".join([database.label, f"{tables:,} {'table' if tables == 1 else 'tables'}", enforcement_of(database)])


def _leaving(session: Session) -> str:
    backend = session.asker().backend
    if not backend.host:
        return "nothing"
    cells = ", matching cells" if session.settings.sample_values else "; no rows"
    return f"questions, names, types, keys and comments{cells} go to {backend.host}"


def lm(session: Session, name: str) -> str:
    """Which LM answers; with a name, use it from now on."""
    if name:
        session.asker(name)  # made here, so that a wrong name is said now and not at the next question
        session.settings.lm = name
    backend = session.asker().backend
    at = f" at {backend.host}" if backend.host else ", on this machine"
    key = ", with T2S_API_KEY" if backend.host and os.environ.get("T2S_API_KEY") else ""
    return f"{backend.name}{at}{key}, program: {session.asker().program.label}"


def prompt(session: Session, _: str) -> str:
    """The exact text that the LM was sent last."""
    if session.last is None:
        raise UsageError("No question was asked yet. Ask one with %%text2sql.")
    return session.last.prompt or "The built-in model reads the question and the schema as data; no text was sent."


def pairs(session: Session, rest: str) -> str:
    """List the approved pairs, or remove one: ``pairs remove 2``."""
    memory = session.pairs()
    action, _, which = rest.partition(" ")
    if action in ("", "list"):
        kept = memory.load()
        return (
            "\n".join(_numbered(kept)) or f"No approved pairs yet. 👍 under an answer keeps one in {memory.path.name}."
        )
    if action != "remove" or not which.strip().isdigit():
        raise UsageError("Write %t2s pairs, or %t2s pairs remove NUMBER.")
    removed = memory.remove(int(which))
    return f"Removed: {removed.question}"


def _numbered(kept: Sequence[Pair]) -> list[str]:
    return [f"{number}  {pair.question}\n   {' '.join(pair.sql.split())}" for number, pair in enumerate(kept, start=1)]


def optimize(session: Session, line: str) -> str:
    """Compare programs on the user's own questions."""
    from t2s_magic.optimize import optimize as run  # its imports are slow, and few sessions need them

    return run(session, line)


def program(session: Session, file: str) -> str:
    """Which program writes SQL; with a file, use that one from now on."""
    from t2s_magic.optimize import program as use_program

    return use_program(session, file)


def use(session: Session, target: str) -> str:
    """Add a DataFrame or a file that a person names to what questions can be asked about."""
    if not target:
        raise UsageError("Name a DataFrame of this notebook or a file: %t2s use df, or %t2s use sales.csv.")
    return session.use(target)


def clear(session: Session, _: str) -> str:
    """Forget what was read of the databases, what was added to them, and the last answer."""
    session.forget()
    return "Forgotten: schemas, cells, what %t2s use added, and the last answer. Approved pairs are kept."


_COMMANDS: dict[str, Command] = {
    "status": status,
    "lm": lm,
    "prompt": prompt,
    "pairs": pairs,
    "optimize": optimize,
    "program": program,
    "use": use,
    "clear": clear,
}
