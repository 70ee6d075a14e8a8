"""The live schema as plain data."""

from t2s_magic.schema.tables import Column, ForeignKey, Schema, Table, column_maker

__all__ = ["Column", "ForeignKey", "Schema", "Table", "column_maker"]
