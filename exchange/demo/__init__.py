"""A market with somebody in it: strategies that trade over the public API, to look at, and to copy.

`maker` quotes, `taker` hits, `walk` is what they believe the price to be; `run` brings them together.
"""
