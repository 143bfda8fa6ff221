"""Drives a running exchange with recorded order flow, and judges what it made of it."""
