"""How a database is named to people: by dialect, host and name, never by anything that could be a secret."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import PurePath
from urllib.parse import unquote

from sqlalchemy.engine import URL

# In what an engine says: //user:secret@host, and secret options of URLs and connection strings.
_USER_INFO = re.compile(r"(?<=//)[^/\s@]*@")
_SECRET_OPTION = re.compile(
    r"(?i)\b(\w*(?:password|passwd|pwd|passfile|token|secret|credential|api_?key|access_?key|private_?key)\w*)"
    r"(\s*[=:]\s*)('[^']*'|\"[^\"]*\"|[^\s&;,'\"]+)"
)
SHORTEST_SECRET = 3


def file_label(dialect: str, file: str) -> str:
    """``"sqlite · chinook.sqlite"``: the file's name without its folder or options."""
    return f"{dialect} · {PurePath(file.partition('?')[0]).name or 'in memory'}"


def server_label(dialect: str, host: str | None, name: str | None) -> str:
    """``"postgres · host/dbname"``."""
    return f"{dialect} · {host or 'localhost'}/{name or ''}"


def secrets_of(url: URL) -> tuple[str, ...]:
    """Everything in a URL but host and database: user, password, each option's value, as written and unquoted."""
    values = [str(part) for part in (url.username, url.password) if part]
    for value in url.query.values():
        values += [value] if isinstance(value, str) else value
    return tuple({text for value in values for text in (value, unquote(value))})


def scrub(text: object, secrets: Iterable[str] = ()) -> str:
    """The text in one line, with ``***`` for what is known or looks to be a secret."""
    line = " ".join(str(text).split())
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= SHORTEST_SECRET:
            line = line.replace(secret, "***")
    line = _USER_INFO.sub("***@", line)
    return _SECRET_OPTION.sub(r"\1\2***", line)
