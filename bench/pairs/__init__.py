"""Real pairs: the same network as two projects wrote it, copied both ways. Run by ``make pairs``."""
