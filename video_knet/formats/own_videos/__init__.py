"""Videos of one's own, which a dataset.json describes."""

from .format import OwnVideos

__all__ = ["OwnVideos"]
