"""How many threads the numeric libraries use."""

import os

from video_knet.parallel import count_cores


def limit_threads(number: int | None = None) -> int:
    """Set the threads of torch and OpenCV, in this process.

    Two threads of OpenMP on two busy cores can be many times slower than one, and video coding takes cores as well: by
    default half of the cores this process may use, or what OMP_NUM_THREADS says.

    Args:
        number: Threads; None for the default.

    Returns:
        The number set.
    """
    import cv2
    import torch

    if number is not None and number < 1:
        raise ValueError(f"{number} threads are asked for; at least one is needed")
    number = number or int(os.environ.get("OMP_NUM_THREADS") or 0) or max(1, count_cores() // 2)
    torch.set_num_threads(number)
    cv2.setNumThreads(number)
    return number
