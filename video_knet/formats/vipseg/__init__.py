"""VIPSeg."""

from .format import Vipseg

__all__ = ["Vipseg"]
