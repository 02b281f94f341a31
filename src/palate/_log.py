"""The library's log: what was read, fitted, evaluated, saved and loaded, and in how long."""

import logging

# Without a handler of the program that uses the library, nothing is written anywhere.
log = logging.getLogger("palate")
log.addHandler(logging.NullHandler())
