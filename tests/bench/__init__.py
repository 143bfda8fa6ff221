"""What the exchange costs, beside what the same work must cost: `make bench`.

Every figure is a ratio of two measurements made in the same minute by the same generator: the exchange, and a limit
that nobody who answers the same requests with the same tools can beat. Ratios survive a slow or a noisy machine;
absolute numbers do not.

`load.py` makes the load, `flow.py` says of what, `limit.py` is the limit, `figures/` holds one small file for each kind
of figure, `report.py` prints them. To add a figure: write a coroutine from `Bench` to rows, and put it into `FIGURES`.
"""
