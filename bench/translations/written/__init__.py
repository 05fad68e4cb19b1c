"""The frameworks as targets of a translation: what was saved, where there is no homolog; the same functions in each."""
