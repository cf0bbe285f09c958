"""Mapillary Vistas."""

from .format import Mapillary

__all__ = ["Mapillary"]
