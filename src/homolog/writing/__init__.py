"""A flat list of statements → source that a person would be content to own."""

from homolog.writing.statement import Call, Program, Statement, Structured
from homolog.writing.structure import structured

__all__ = ["Call", "Program", "Statement", "Structured", "structured"]
