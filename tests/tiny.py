"""Models small enough to train in a moment, and clips for them."""

import pytest
import torch
from mmengine.registry import DefaultScope


@pytest.fixture(autouse=True)
def quiet_host():
    """The host's registries, one thread, the same seed for every test."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope("mmdet"):
        yield
    torch.set_num_threads(threads)
