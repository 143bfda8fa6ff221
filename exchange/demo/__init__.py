"""A market with participants: strategies that trade through the public API, as examples to copy.

`maker` quotes, `taker` takes, `walk` is the price that they believe in, `participants` runs them all.
"""
