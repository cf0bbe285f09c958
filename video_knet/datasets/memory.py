"""Memory of freed samples: kept for the next ones."""

import ctypes
from functools import cache

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # parameters of glibc's mallopt
_KEPT = 128 << 20  # bytes, several samples of the largest datasets
_LARGEST = 32 << 20  # bytes of one array, the most that mallopt takes


@cache
def keep_freed_memory() -> None:
    """Lets this process, and workers that it forks, keep up to 128 MiB that samples have freed.

    By default glibc returns them to the system, which clears each page again for the next sample: about a tenth of the
    time of COCO's pipeline. Other C libraries have no such parameter, and stay as they are.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_TRIM_THRESHOLD, _KEPT)
        mallopt(_MMAP_THRESHOLD, _LARGEST)
