"""Trainings side by side, each named by what it trains: what is finished stays."""
