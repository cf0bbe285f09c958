"""COCO panoptic and COCO instances."""

from .instance import CocoInstance
from .panoptic import CocoPanoptic

__all__ = ["CocoInstance", "CocoPanoptic"]
