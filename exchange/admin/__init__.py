"""Administration from the command line: `exchange user`, `exchange key`, `exchange asset` and `exchange market set`.

`command` and `markets` read the arguments, `calls` sends the call to a running exchange or carries it out on one that
is stopped.
"""
