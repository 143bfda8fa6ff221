"""Drives a running exchange with recorded order flow, and judges what it made of it."""

from exchange.replay.run import ReplayOptions, ReplayResult, replay

__all__ = ["ReplayOptions", "ReplayResult", "replay"]
