"""Numbers that objects get where a file cannot hold their track ids as they are."""

from collections.abc import Iterable

import numpy as np

from ..base import ClassTable, FormatError

COUNTING_LIMIT = 1 << 22  # beyond this many codes, sorting the pixels is cheaper than counting into a table


class TrackNumbers:
    """Numbers of the objects of one video: one for each (class, track), kept through the video.

    A track's number is its id where that is free, so tracks 1 to `most` of different objects stay as they are; others
    get the lowest free number.

    Args:
        classes: Says which classes are things; others have no objects.
        most: The highest number.
        per_class: Whether objects of different classes may have one number.
    """

    def __init__(self, classes: ClassTable, most: int, per_class: bool = False) -> None:
        self.most, self.per_class = most, per_class
        self._is_thing = classes.thing_lookup()
        self._numbers: dict[tuple[int, int], int] = {}
        self._taken: dict[int | None, set[int]] = {}

    def number(self, category: int, track: int, where: object = "segment map") -> int:
        """The number of an object.

        Raises:
            FormatError: There are more objects than numbers.
        """
        key = category, track
        if key not in self._numbers:
            taken = self._taken.setdefault(self._space(category), set())
            free = track if 1 <= track <= self.most and track not in taken else self._lowest(taken)
            if free is None:
                of = f"of class {category}" if self.per_class else "of a video"
                raise FormatError(
                    f"{where}: more than {self.most} objects {of}, which no file can hold. Leave some out."
                )
            taken.add(free)
            self._numbers[key] = free
        return self._numbers[key]

    def reserve(self, objects: Iterable[tuple[int, int]], where: object = "segment map") -> None:
        """Number objects (class, track) that come at one time: first those that can keep their id.

        Raises:
            FormatError: There are more objects than numbers.
        """
        objects = list(objects)
        for category, track in objects:
            if track not in self._taken.get(self._space(category), ()) and 1 <= track <= self.most:
                self.number(category, track, where)
        for category, track in objects:
            self.number(category, track, where)

    def renumber(self, semantic: np.ndarray, track: np.ndarray, where: object = "segment map") -> np.ndarray:
        """(H, W) int32 numbers of the objects of a frame, 0 for stuff, void and crowd.

        Args:
            semantic: (H, W) class ids.
            track: (H, W) track ids, 0 where there is none.
            where: Only named in errors.

        Raises:
            FormatError: A track is below 0, or there are more objects than numbers.
        """
        if track.size and int(track.min()) < 0:
            raise FormatError(f"{where}: track id {int(track.min())} is below 0. Number tracks from 1.")
        code = np.where(self._is_thing[semantic] & (track > 0), track.astype(np.int64) << 8 | semantic, 0)
        present = distinct(code)
        objects = [(value & 255, value >> 8) for value in present.tolist() if value]
        self.reserve(objects, where)
        numbers = np.zeros(len(present), np.int32)
        numbers[present > 0] = [self.number(*key) for key in objects]
        if (numbers == present >> 8).all():
            return (code >> 8).astype(np.int32)
        return numbers[np.searchsorted(present, code)]

    def _space(self, category: int) -> int | None:
        """Among whose numbers those of a class must differ."""
        return category if self.per_class else None

    def _lowest(self, taken: set[int]) -> int | None:
        return next((number for number in range(1, self.most + 1) if number not in taken), None)


def distinct(codes: np.ndarray) -> np.ndarray:
    """The distinct values of non-negative integers, rising."""
    if codes.size and int(codes.max()) < COUNTING_LIMIT:
        return np.flatnonzero(np.bincount(codes.reshape(-1)))
    return np.unique(codes)
