"""The parameter `timeZone`: hours, or hours and minutes, from UTC."""

import re
from typing import Final

from exchange.api.binance.errors import BinanceError
from exchange.api.binance.parameters import Parameters

_ZONE = re.compile(r"([+-]?)([0-9]{1,2})(?::([0-9]{2}))?")
LEAST_S: Final = -12 * 3600
MOST_S: Final = 14 * 3600


def time_zone_s(params: Parameters) -> int:
    """The seconds that the zone is ahead of UTC. Raises BinanceError."""
    text = params.text("timeZone")
    return 0 if text is None else zone_s(text)


def zone_s(text: str) -> int:
    """The same of a text. Raises BinanceError."""
    found = _ZONE.fullmatch(text)
    if found is not None:
        sign, hours, minutes = found[1], int(found[2]), int(found[3] or 0)
        ahead_s = (hours * 3600 + minutes * 60) * (-1 if sign == "-" else 1)
        if minutes < 60 and LEAST_S <= ahead_s <= MOST_S:
            return ahead_s
    raise BinanceError(-1130, "Data sent for parameter 'timeZone' is not valid.")
