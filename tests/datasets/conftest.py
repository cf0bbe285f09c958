"""Fixtures of the dataset tests."""

from tests.video_data import mmdet_scope, world_root

__all__ = ["mmdet_scope", "world_root"]
