"""`python -m palate` is `palate`."""

from palate.cli import main

main()
