"""Everything a person may be told when something goes wrong. Imports nothing.

    Text2SqlError
    ├── UsageError                 a wrong option, an empty question
    ├── NoConnectionError          no database to ask
    ├── ConnectionLostError        the database went away
    ├── SchemaError                the schema cannot be read, or holds no table
    ├── UnsafeSqlError             the guard refused a statement
    │   └── UnknownNameError       a table or column that the schema does not have
    ├── QueryError                 the engine refused or could not finish a statement
    │   ├── TimeLimitError
    │   ├── LockedError            another session holds a lock
    │   └── CancelledError
    ├── NotRunError                rows were asked of a draft that never ran
    ├── ModelError                 the LM gave nothing that can be used
    │   ├── ModelUnreachableError  refused, no such host, time limit, server error
    │   ├── KeyRefusedError
    │   ├── ModelBusyError
    │   ├── PromptTooLongError
    │   ├── NoSqlError             prose, nothing, several statements or half an answer
    │   └── StudyStoppedError      a study's budget is spent, or a person stopped it
    ├── ProgramError               a saved program that cannot be loaded or saved
    └── PairsError                 the file of approved pairs cannot be read or written

The magics and the command line catch ``Text2SqlError`` once and show its message as text. A message is one or two
sentences: what happened, then what to do. It never holds a secret: a URL is named by dialect, host and database.
"""

from __future__ import annotations


class Text2SqlError(Exception):
    """What a person is told; ``sql`` is the statement concerned, kept so that no work is lost.

    ``prompt`` is the text that an LM was sent last and ``lm_calls`` how often it was asked, as far as the program has
    noted them.
    """

    def __init__(self, message: str, *, sql: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.sql = sql
        self.prompt = ""
        self.lm_calls = 0


class UsageError(Text2SqlError):
    """A wrong option, an unknown command, an empty question."""


class NoConnectionError(Text2SqlError):
    """There is no database to ask."""


class ConnectionLostError(Text2SqlError):
    """The database went away; nothing was changed."""


class SchemaError(Text2SqlError):
    """The schema cannot be read, or it has no table that can be read."""


class UnsafeSqlError(Text2SqlError):
    """The guard refused ``sql``: ``part`` is the offending text and ``span`` its (start, end) offsets in ``sql``."""

    def __init__(
        self, message: str, *, sql: str | None = None, part: str = "", span: tuple[int, int] | None = None
    ) -> None:
        super().__init__(message, sql=sql)
        self.part = part
        self.span = span


class UnknownNameError(UnsafeSqlError):
    """``part`` is no table or column of the schema; ``nearest`` are the names most like it, best first."""

    def __init__(
        self,
        message: str,
        *,
        sql: str | None = None,
        part: str = "",
        span: tuple[int, int] | None = None,
        nearest: tuple[str, ...] = (),
    ) -> None:
        super().__init__(message, sql=sql, part=part, span=span)
        self.nearest = nearest


class QueryError(Text2SqlError):
    """The engine refused ``sql`` or could not finish it; the message carries the engine's own words."""


class TimeLimitError(QueryError):
    """The statement was stopped at the time limit."""


class LockedError(QueryError):
    """The statement waited too long for a lock that another session holds."""


class CancelledError(QueryError):
    """The statement was stopped because a person asked."""


class NotRunError(Text2SqlError):
    """Rows were asked of a draft that never ran."""


class ModelError(Text2SqlError):
    """The LM gave nothing that can be used; ``answer`` is what it said, as text."""

    def __init__(self, message: str, *, sql: str | None = None, answer: str = "") -> None:
        super().__init__(message, sql=sql)
        self.answer = answer


class ModelUnreachableError(ModelError):
    """The endpoint refused, is not there, answered with a server error, or took too long."""


class KeyRefusedError(ModelError):
    """The endpoint refused the key."""


class ModelBusyError(ModelError):
    """The endpoint asked to come back later, more often than we wait."""


class PromptTooLongError(ModelError):
    """The prompt does not fit the LM's context window."""


class NoSqlError(ModelError):
    """The answer holds no single, whole SQL statement."""


class StudyStoppedError(ModelError):
    """A study makes no further call: its budget is spent, or a person stopped it."""


class ProgramError(Text2SqlError):
    """A saved program cannot be loaded or saved."""


class PairsError(Text2SqlError):
    """The file of approved pairs cannot be read or written."""
