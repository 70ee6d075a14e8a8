"""Databases that can be read and nothing else."""

from t2s_magic.database.base import Database, Limits, Rows
from t2s_magic.database.connect import connect

__all__ = ["Database", "Limits", "Rows", "connect"]
