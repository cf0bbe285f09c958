"""Fixtures of the tests on damaged data."""

from tests.preparation.damage import copy, worlds  # noqa: F401
