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
    number = number or threads_asked_for() or max(1, count_cores() // 2)
    torch.set_num_threads(number)
    cv2.setNumThreads(number)
    return number


def threads_asked_for() -> int | None:
    """The outermost level of OMP_NUM_THREADS, which may be a list; None where it is not set.

    Raises:
        ValueError: It is no number of threads.
    """
    said = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    if not said:
        return None
    if not said.isdecimal() or int(said) < 1:
        raise ValueError(f"OMP_NUM_THREADS is {said!r}, but must be a number of threads, from 1; set or unset it")
    return int(said)
