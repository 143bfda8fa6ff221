"""Drives a running exchange with recorded order flow, and judges what it made of it."""

from exchange.replay.driver import ReplayOptions, ReplayResult, replay

__all__ = ["ReplayOptions", "ReplayResult", "replay"]
