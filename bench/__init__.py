"""The figures that homolog holds itself to. Run by ``make bench``; each is a ratio or a count within one run."""
