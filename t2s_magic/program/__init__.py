"""The DSPy program, and how it is saved and loaded."""

from t2s_magic.program.module import TextToSql
from t2s_magic.program.saved import load_program, read_program, save_program, shipped_program
from t2s_magic.program.signature import SIGNATURE
from t2s_magic.program.work import Attempt, CallLog, Reading

__all__ = [
    "SIGNATURE",
    "Attempt",
    "CallLog",
    "Reading",
    "TextToSql",
    "load_program",
    "read_program",
    "save_program",
    "shipped_program",
]
