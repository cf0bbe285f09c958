"""Everything here runs on one thread, from the same seed."""

from tests.tiny import mmdet_scope, one_thread_and_seed  # noqa: F401
