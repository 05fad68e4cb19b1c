"""Seeded defects: networks that are the same but for one thing, and whether ``verify`` says which. ``make mutants``."""
