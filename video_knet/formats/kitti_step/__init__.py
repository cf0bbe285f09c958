"""KITTI-STEP."""

from .format import KittiStep

__all__ = ["KittiStep"]
