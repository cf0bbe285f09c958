"""Everything here runs on one thread, from the same seed."""

from tests.tiny import quiet_host  # noqa: F401
