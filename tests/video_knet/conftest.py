"""Everything here runs on one thread, from the same seed."""

import pytest
import torch

from tests.tiny import mmdet_scope, one_thread_and_seed, tiny_video_model  # noqa: F401
from video_knet.models import VideoKNet


@pytest.fixture(scope="module")
def model() -> VideoKNet:
    torch.manual_seed(0)
    model = tiny_video_model()
    with torch.no_grad():
        model.track_head.embed.out_layer.weight *= 40  # random embeddings are too much alike to be told apart
    return model
