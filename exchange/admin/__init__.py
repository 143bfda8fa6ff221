"""Administration from the command line: `exchange user` and `exchange key`.

`command` reads the arguments, `calls` sends the call to a running exchange or carries it out on one that is stopped.
"""
