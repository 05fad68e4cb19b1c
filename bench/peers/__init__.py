"""A peer beside homolog: the same networks translated by both in the same run. Run by ``make peers``."""
