"""A market with participants of several kinds, who trade through the public API; they are examples to copy.

`fundamental` is what they believe in, `kinds` has one file a kind, `cast` is who takes part, `scenario` what happens.
`network` lets them trade on a running exchange, `virtual` on one in memory, where an hour takes seconds.
"""
