"""A flat list of statements → source that a person would be content to own."""

from homolog.writing.classes import classes
from homolog.writing.statement import Call, Classes, Program, Statement, Structured
from homolog.writing.structure import structured

__all__ = ["Call", "Classes", "Program", "Statement", "Structured", "classes", "structured"]
