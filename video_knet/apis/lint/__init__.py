"""Checking a config before a run is spent on it: every fault with its key and remedy."""
