"""`exchange` with partitions so small that a run of some minutes fills several: `python -m exchange.torture.small …`.

The torture runs every command in this way. So partitions are made, and old ones of the journal dropped, while all that
can break does.
"""

from exchange.cli import main
from exchange.store import partitions

ROWS = 500  # sequences of the journal, or ids, in one partition

if __name__ == "__main__":
    partitions.ROWS = ROWS
    main()
