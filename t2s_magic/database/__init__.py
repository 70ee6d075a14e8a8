"""Databases that can be read and nothing else."""

from t2s_magic.database.base import Database, Limits, Rows

__all__ = ["Database", "Limits", "Rows"]
