"""Cityscapes panoptic and Cityscapes-STEP."""

from .format import Cityscapes, CityscapesPanoptic, CityscapesStep

__all__ = ["Cityscapes", "CityscapesPanoptic", "CityscapesStep"]
