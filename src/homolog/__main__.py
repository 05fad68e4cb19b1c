"""``python -m homolog``."""

from homolog.cli import main

main()
