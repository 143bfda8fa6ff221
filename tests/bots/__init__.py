"""`make bots`: libraries that speak Binance, unmodified, each in an environment of its own, on a market that lives."""
