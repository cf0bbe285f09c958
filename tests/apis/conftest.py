import pytest
import torch

CONFIG = """
custom_imports = dict(imports=["knet", "video_knet.datasets", "video_knet.models.data_preprocessor"])
default_scope = "mmdet"
model = dict(
    type="RedSquareModel",
    labels=dict(type="FormatLabels", format="kitti_step"),
    data_preprocessor=dict(type="ClipDataPreprocessor", mean=[0, 0, 0], std=[1, 1, 1], pad_size_divisor=32),
)
test_dataloader = dict(
    dataset=dict(
        type="VideoDataset",
        format="kitti_step",
        pipeline=[
            dict(
                type="TransformBroadcaster",
                transforms=[
                    dict(type="LoadImageFromFile"),
                    dict(type="Resize", scale_factor=0.5, keep_ratio=True),
                ],
            ),
            dict(type="PackClipInputs"),
        ],
    )
)
"""


def register_red_square_model() -> None:
    """A model that finds red things: enough to follow a frame through pipeline, model and result."""
    import knet  # noqa: F401  must come before mmdet

    # isort: split
    import torch.nn.functional as F
    from mmdet.registry import MODELS
    from mmengine.model import BaseModel
    from mmengine.structures import BaseDataElement, InstanceData

    class RedSquareModel(BaseModel):
        def __init__(self, data_preprocessor, labels=None):
            super().__init__(data_preprocessor)
            self.scale = torch.nn.Parameter(torch.ones(1))
            self.seen = []

        def forward(self, inputs, data_samples, mode):
            assert mode == "predict"
            assert not torch.is_grad_enabled()
            for clip, sample in zip(inputs, data_samples):
                (frame,) = sample.video_data_samples
                self.seen.append((frame.frame_id, frame.video_name, tuple(clip.shape), frame.ori_shape))
                red = (clip[0, 0] > 200) & (clip[0, 1] < 50)  # (H, W), channels are RGB here
                red = red[: frame.img_shape[0], : frame.img_shape[1]]
                red = F.interpolate(red[None, None].float(), frame.ori_shape[:2])[0, 0] > 0.5
                track = red.int() * 3
                frame.pred_panoptic = BaseDataElement(semantic=(red * 13).to(torch.uint8), track=track)
                frame.pred_track_instances = InstanceData(
                    masks=red[None],
                    labels=torch.tensor([1]),
                    scores=torch.tensor([0.9]),
                    instances_id=torch.tensor([3]),
                    kernel_indices=torch.tensor([17]),
                )
            return data_samples

    MODELS.register_module(name="RedSquareModel", module=RedSquareModel, force=True)


@pytest.fixture
def red_square(tmp_path):
    """Config and checkpoint of a model that calls red pixels car 3 and all others road."""
    register_red_square_model()
    config, checkpoint = tmp_path / "config.py", tmp_path / "checkpoint.pth"
    config.write_text(CONFIG)
    torch.save({"state_dict": {"scale": torch.ones(1)}, "meta": {}}, checkpoint)
    return config, checkpoint
