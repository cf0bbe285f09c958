"""Randomness that depends on (seed, epoch, index) alone: the same with any number of workers and after a restart."""

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch


def seed_words(*entropy: int) -> list[int]:
    """Three independent 32-bit seeds (Python, numpy, torch) from non-negative numbers of any size."""
    return [int(word) for word in np.random.SeedSequence(entropy).generate_state(3)]


@contextmanager
def seeded(*entropy: int) -> Iterator[None]:
    """Seeds the CPU generators of Python, numpy and torch inside the block, and restores their state after it."""
    python_seed, numpy_seed, torch_seed = seed_words(*entropy)
    python_state, numpy_state = random.getstate(), np.random.get_state()  # noqa: NPY002
    try:
        with torch.random.fork_rng(devices=[]):
            random.seed(python_seed)
            np.random.seed(numpy_seed)  # noqa: NPY002
            torch.default_generator.manual_seed(torch_seed)
            yield
    finally:
        random.setstate(python_state)
        np.random.set_state(numpy_state)  # noqa: NPY002
