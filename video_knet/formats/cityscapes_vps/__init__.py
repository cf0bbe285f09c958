"""Cityscapes-VPS."""

from .format import CityscapesVps

__all__ = ["CityscapesVps"]
