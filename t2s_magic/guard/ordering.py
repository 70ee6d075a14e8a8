"""Does a statement order its rows?"""

from __future__ import annotations

from sqlglot import TokenType
from sqlglot.dialects import Dialect

from t2s_magic.guard.stumbles import STUMBLES

_OPENING, _CLOSING = TokenType.L_PAREN, TokenType.R_PAREN


def is_ordered(sql: str, dialect: str) -> bool:
    """Whether the statement's own rows come in an order: an ORDER BY outside of all parentheses. No SQL has none."""
    try:
        tokens = Dialect.get_or_raise(dialect).tokenize(sql)
    except STUMBLES:
        return False
    depth = 0
    for token in tokens:
        depth += (token.token_type is _OPENING) - (token.token_type is _CLOSING)
        if depth == 0 and token.token_type is TokenType.ORDER_BY:
            return True
    return False
