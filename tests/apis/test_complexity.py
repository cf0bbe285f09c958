"""What a model costs: parameters and multiply-adds of its parts, by hand, on meta as on CPU, and as the docs say."""

import json
import re
from pathlib import Path

import pytest
import torch
import torchvision
from matplotlib.figure import Figure
from mmengine.model import BaseModel
from torch import nn

from knet.deformable_neck import DeformableNeck  # noqa: F401
from tests.tiny import (  # noqa: F401
    CHANNELS,
    SIZE,
    TINY,
    build,
    images,
    mmdet_scope,
    one_thread_and_seed,
    tiny_image_model,
    tiny_video_model,
)
from tests.video_knet.videos import predict
from tools.analysis import model_complexity
from video_knet.apis.complexity.counting import REST, Complexity, PartCost, count_config, count_model, counted, parts_of
from video_knet.apis.complexity.figure import PANELS, draw_figure, draw_panel
from video_knet.apis.complexity.online import CLIP
from video_knet.apis.complexity.shapes_alone import shapes_alone
from video_knet.apis.complexity.zoo import ADDED, FOLDERS, SIZES, added_row, update_page
from video_knet.apis.runner import load_config

ROOT = Path(__file__).parents[2]
CONFIGS, PAGE = ROOT / "configs", ROOT / "docs/model_zoo.md"
TINY_CONFIG = CONFIGS / "video_knet/kitti_step/video_knet_tiny_kitti_step.py"
NUM_THINGS, NUM_KERNELS = 10, 13
THINGS = dict(type="LabelSpace", num_things=3, num_stuff=0, ids=(1, 2, 3))
NECK = dict(type="DeformableNeck", num_layers=1, num_heads=4, ffn_channels=32, norm_cfg=dict(type="GN", num_groups=8))


def tiny_clip_model(**overrides):
    return build("clip_knet_r50", TINY | {"labels": THINGS}, overrides)


def costs(model: nn.Module) -> dict[str, int]:
    return {part.name: part.multiply_adds for part in count_model(model.eval(), SIZE).parts}


def of_layer(layer: nn.Module, *inputs) -> int:
    spent: dict[str, int] = {}
    with shapes_alone(), counted({"layer": layer}, spent):
        layer(*inputs)
    assert spent[REST] == 0
    return spent["layer"]


class Call(nn.Module):
    """A function as a module."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, *inputs):
        return self.function(*inputs)


def test_layers_by_hand():
    assert of_layer(nn.Linear(3, 5), torch.zeros(7, 3)) == 7 * 3 * 5
    assert of_layer(nn.Conv2d(4, 6, 3, padding=1, stride=2), torch.zeros(2, 4, 8, 6)) == 2 * (4 * 3) * 6 * 4 * 9
    assert of_layer(nn.Conv2d(4, 6, 3, groups=2), torch.zeros(1, 4, 3, 3)) == 6 * 2 * 9
    attention = nn.MultiheadAttention(8, 2, batch_first=True).eval()
    x = torch.zeros(1, 5, 8)
    assert of_layer(attention, x, x, x) == 4 * 5 * 8 * 8 + 2 * 5 * 5 * 8
    assert of_layer(nn.LayerNorm(3), torch.zeros(7, 3)) == 0
    sample = Call(nn.functional.grid_sample)
    assert of_layer(sample, torch.zeros(1, 2, 9, 9), torch.zeros(1, 5, 7, 2)) == 5 * 2 * 5 * 7
    align = torchvision.ops.RoIAlign(7, 1.0, sampling_ratio=2)
    assert of_layer(align, torch.zeros(1, 3, 16, 16), torch.zeros(2, 5)) == 4 * 4 * 2 * 3 * 7 * 7


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_deformable_attention_by_hand(device):
    """On the meta device its table of sizes keeps its values."""
    from mmcv.ops import MultiScaleDeformableAttention  # after knet

    attention = MultiScaleDeformableAttention(16, num_heads=4, num_levels=2, num_points=3, batch_first=True).to(device)
    queries, sizes = torch.zeros(1, 4 * 6 + 2 * 3, 16, device=device), torch.tensor([[4, 6], [2, 3]])
    points = torch.zeros(1, 30, 2, 2, device=device)
    spent: dict[str, int] = {}
    with shapes_alone(), counted({"layer": attention}, spent):
        attention(queries, reference_points=points, spatial_shapes=sizes)
    samples = 4 * 2 * 3  # of a query: heads, levels, points
    assert spent["layer"] == 30 * (16 * 16 + 16 * 2 * samples + 16 * samples + 5 * 4 * samples + 16 * 16)


@pytest.mark.parametrize(
    "make",
    [
        tiny_image_model,
        tiny_video_model,
        tiny_clip_model,
        lambda: tiny_image_model(
            neck=NECK | {"_delete_": True, "in_channels": [8, 16, 32, 64], "out_channels": CHANNELS}
        ),
        lambda: tiny_video_model(**{"track_head.embed": dict(type="RoIAlignEmbedding", channels=CHANNELS)}),
    ],
    ids=["image", "video", "clip", "deformable", "roi-align"],
)
def test_meta_counts_what_the_cpu_computes(make):
    model = make().eval()
    cost = count_model(model, SIZE)
    assert count_model(model.to("meta"), SIZE) == cost
    assert cost.parameters == sum(p.numel() for p in model.parameters())
    assert min(part.parameters for part in cost.parts) > 0
    assert min(part.multiply_adds for part in cost.parts) > 0
    assert REST not in {part.name for part in cost.parts}


def test_what_is_counted_is_what_the_second_frame_runs():
    """Against `predict` itself: only the number of objects is another, and the tracker compares them."""
    model = tiny_video_model().eval()
    found, spent = costs(model), {}
    predict(model, images(1, 1))
    with shapes_alone(), counted(parts_of(model), spent):
        (frame,) = predict(model, images(1, 1), start=1)
    num_objects = len(frame.pred_track_instances)
    assert num_objects > 0
    assert NUM_THINGS * spent.pop("track_head") == num_objects * found.pop("track_head")
    assert spent.pop(REST) < 1e-3 * sum(spent.values())
    assert spent == found


@pytest.mark.parametrize("name", ["kernel_linking", "kernel_fusion"])
def test_linking_and_fusion_cost_what_is_saved_without_them(name):
    whole, without = (
        count_model(model.eval(), SIZE) for model in (tiny_video_model(), tiny_video_model(**{name: None}))
    )
    (part,) = (part for part in whole.parts if part.name == f"decoder.{name}.2")
    assert whole.parameters - without.parameters == part.parameters > 0
    assert whole.multiply_adds - without.multiply_adds == part.multiply_adds
    attend = NUM_KERNELS * (4 * CHANNELS**2 + 2 * NUM_KERNELS * CHANNELS + 2 * CHANNELS * 64)
    update = NUM_KERNELS * 7 * CHANNELS**2
    assert part.multiply_adds == attend + (name == "kernel_fusion") * update


def test_a_video_without_tracker_embeds_nothing():
    assert costs(tiny_video_model(tracker=None))["track_head"] == 0


def test_a_clip_costs_its_share_of_every_frame():
    clip, image = costs(tiny_clip_model()), costs(tiny_image_model(labels=THINGS))
    assert {name: clip[name] for name in image} == image
    windows = costs(tiny_clip_model(window=4, **{"stitcher.overlap": 1}))
    assert {name: windows[name] for name in image} == image
    pixels, once = 8 * 12, image["decoder.stages.0"]  # the kernels of the last stage are refined in every frame
    assert clip["clip_decoder.stages.2"] == once - NUM_THINGS * (CHANNELS**2 + CHANNELS * 3)  # no classifier
    assert windows["clip_decoder.stages.2"] == pytest.approx(4 / 3 * clip["clip_decoder.stages.2"], abs=1)
    products = 2 * NUM_THINGS * pixels * CHANNELS  # the masks' share, also once a frame
    assert products < clip["clip_decoder.stages.0"] < products + (once - products) * 2 / CLIP + NUM_THINGS * CHANNELS**2


def test_frames_are_padded_as_in_the_config():
    model = tiny_image_model().eval().to("meta")
    cost = count_model(model, (33, 70))
    assert cost == count_model(model, SIZE)
    assert cost.size == SIZE


def test_models_that_are_not_known_or_do_not_fit():
    class Other(BaseModel):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(2, 2)

        def forward(self, inputs, data_samples=None, mode="tensor"):
            return inputs

    with pytest.raises(ValueError, match="'Other': only KNet"):
        count_model(Other(), SIZE)
    with pytest.raises(ValueError, match=r"does not take a frame of 64x96.*Choose another --shape"):
        count_model(tiny_image_model(**{"neck.in_channels": [8, 16, 32, 65]}).eval().to("meta"), SIZE)


def rows_of(name: str) -> dict[str, list[str]]:
    """Cells of a table of the page by their first one."""
    (text,) = re.findall(f"<!-- {name} -->\n(.*?)<!-- /{name} -->", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.strip().splitlines()[2:]]
    return {first.strip("`"): cells for first, *cells in lines}


def test_the_page_has_every_config():
    paths = [path for folder in FOLDERS for path in (CONFIGS / folder).rglob("*.py")]
    assert set(rows_of("zoo")) == {path.relative_to(CONFIGS).with_suffix("").as_posix() for path in paths}


@pytest.mark.parametrize(
    "name",
    [
        "knet/knet_r50_kitti_step",
        "video_knet/youtube_vis_2019/clip_knet_r50_youtube_vis_2019",
        "ablations/roi_align_embedding",
    ],
)
def test_the_page_says_what_the_tool_says(name):
    cost = count_config(load_config(CONFIGS / f"{name}.py"), SIZES[1])
    parameters, _, adds, _ = rows_of("zoo")[name]
    assert [parameters, adds] == [f"{cost.parameters / 1e6:.1f}", f"{cost.multiply_adds / 1e9:.1f}"]


def test_the_page_says_what_is_added():
    rows = rows_of("added")
    assert list(rows) == [name for name, *_ in ADDED]
    name, config, options = ADDED[2]
    assert added_row(name, CONFIGS / f"{config}.py", options, SIZES[0]) == [name, *rows[name]]
    whole = rows_of("parts")["whole"]
    assert float(whole[0]) == pytest.approx(sum(map(float, rows[name][0].split("+"))), abs=0.01)


def test_tables_go_between_their_markers(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("a\n<!-- one -->\nold\n<!-- /one -->\nb\n")
    update_page(page, {"one": r"| \1 |"})
    assert page.read_text() == "a\n<!-- one -->\n| \\1 |\n<!-- /one -->\nb\n"
    with pytest.raises(ValueError, match="needs <!-- two -->"):
        update_page(page, {"one": "new", "two": "new"})
    assert "new" not in page.read_text()


def test_tool(tmp_path, capsys):
    out = tmp_path / "cost.json"
    assert model_complexity.main([str(TINY_CONFIG), "--shape", "60", "90", "--json", str(out)]) == 0
    printed, written = capsys.readouterr().out, json.loads(out.read_text())
    assert written["size"] == [64, 96]
    assert written["multiply_adds"] == sum(part["multiply_adds"] for part in written["parts"])
    assert all(part["name"] in printed for part in written["parts"])
    assert model_complexity.main([str(tmp_path / "none.py")]) == 1
    assert "no such config file" in capsys.readouterr().err
    assert model_complexity.main([str(TINY_CONFIG), "--cfg-options", "model.neck.in_chanels=3"]) == 1
    assert "in_chanels" in capsys.readouterr().err
    assert model_complexity.main(["--all", "--update", str(tmp_path / "none.md")]) == 1
    assert "none.md" in capsys.readouterr().err


@pytest.mark.parametrize(
    "wrong",
    ["", "a.py --all", "a.py --shape 0 5", "--all --shape 5 5", "a.py --update p.md", "--figure f.svg --json f.json"],
)
def test_usage(wrong):
    with pytest.raises(SystemExit) as ended:
        model_complexity.parse(wrong.split())
    assert ended.value.code == 2


def test_figure(tmp_path):
    for panel in PANELS:
        axes = Figure().subplots()
        draw_panel(axes, panel, {name: Complexity((64, 96), (PartCost("whole", 1, 10**9),)) for name in panel.ours})
        marks = [tuple(mark.get_offsets()[0]) for mark in axes.collections]
        assert marks == [(1.0, score) for _, score in panel.ours.values()]
    with pytest.raises(ValueError, match=r"writes no \.xyz files"):
        draw_figure(tmp_path / "figure.xyz", CONFIGS)
    assert not list(tmp_path.iterdir())
