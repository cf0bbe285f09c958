"""What every core asks of the videos it is given: a video comes as a whole, to one evaluator."""

from collections.abc import Collection


def check_open(video: str, opened: Collection[str]) -> None:
    """Refuse frames of a video that is not open."""
    if video not in opened:
        raise ValueError(f"video {video!r} is closed; add all its frames to one evaluator before closing it")


def check_apart(videos: Collection[str], others: Collection[str]) -> None:
    """Refuse to merge evaluators that have seen the same video."""
    if both := set(videos) & set(others):
        raise ValueError(f"video {min(both)!r} is in both evaluators; a video goes to one of them as a whole")
