"""The core: what the exchange decides, as pure and synchronous code.

No clock, no chance, no waiting and no I/O: `Venue.apply` is a function of its input, so that the journal replayed
anywhere arrives at the same state.
"""
