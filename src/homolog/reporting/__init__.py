"""Results → words: ``text`` for terminals and pipes, ``html`` for notebooks."""
