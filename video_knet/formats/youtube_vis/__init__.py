"""YouTube-VIS, editions 2019 and 2021."""

from .format import NoAnnotationsError, YouTubeVIS

__all__ = ["NoAnnotationsError", "YouTubeVIS"]
