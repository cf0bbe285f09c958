"""Which parts of an image a network is given at a time.

H W size.
"""

from mmdet.registry import TASK_UTILS

Window = tuple[slice, slice]  # rows, columns


@TASK_UTILS.register_module()
class WholeImage:
    """All of it at once."""

    def __call__(self, shape: tuple[int, int]) -> list[Window]:
        """The one window of an image of size (H, W)."""
        return [(slice(0, shape[0]), slice(0, shape[1]))]


@TASK_UTILS.register_module()
class SlidingWindow:
    """Windows of one size that overlap; the last ones are moved back into the image.

    Args:
        size: Height and width of a window; an image that is smaller is taken as it is.
        stride: From one window to the next, down and to the right.
    """

    def __init__(self, size: tuple[int, int], stride: tuple[int, int]) -> None:
        if not all(0 < step <= side for side, step in zip(size, stride, strict=True)):
            raise ValueError(
                f"sliding windows of size {tuple(size)} cannot have stride {tuple(stride)}: pixels in between would be "
                "left out; choose 1 to size, in both directions"
            )
        self.size, self.stride = tuple(size), tuple(stride)

    def __call__(self, shape: tuple[int, int]) -> list[Window]:
        """The windows of an image of size (H, W), row by row."""
        rows, columns = (spans(*sides) for sides in zip(shape, self.size, self.stride, strict=True))
        return [(row, column) for row in rows for column in columns]


def spans(length: int, size: int, stride: int) -> list[slice]:
    """Pieces of `size` that cover `length`, every `stride`; the last one ends at the end."""
    last = max(length - size, 0)
    starts = [*range(0, last, stride), last]
    return [slice(start, min(start + size, length)) for start in starts]
