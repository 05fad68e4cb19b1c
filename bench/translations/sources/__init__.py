"""The frameworks as sources of a translation, each in a file with the same functions."""
