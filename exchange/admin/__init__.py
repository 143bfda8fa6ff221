"""Administration from the command line: users, keys, assets, markets and money.

`command`, `markets` and `money` read the arguments. `calls` sends the call to a running exchange, or carries it out on
one that is stopped.
"""
