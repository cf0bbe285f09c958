"""Parameters with equal settings are one group, and learn as in groups of their own."""

import copy

import torch
from mmengine.optim import build_optim_wrapper
from torch import nn

from knet.optimizer import with_shared_settings

WRAPPER = dict(
    type="OptimWrapper",
    optimizer=dict(type="AdamW", lr=0.1, weight_decay=0.05),
    paramwise_cfg=dict(custom_keys={"backbone": dict(lr_mult=0.25)}, norm_decay_mult=0.0),
    clip_grad=dict(max_norm=1.0, norm_type=2),
)


def small_model() -> nn.Module:
    torch.manual_seed(0)
    model = nn.ModuleDict(
        dict(
            backbone=nn.Sequential(nn.Linear(4, 4), nn.LayerNorm(4), nn.Linear(4, 4)),
            head=nn.Sequential(nn.Linear(4, 4), nn.LayerNorm(4), nn.Linear(4, 2)),
        )
    )
    model["backbone"][0].requires_grad_(False)
    return model


def test_values_are_those_of_the_host():
    models = [small_model(), small_model()]
    for model, constructor in zip(models, ("DefaultOptimWrapperConstructor", "SharedSettingsConstructor"), strict=True):
        wrapper = build_optim_wrapper(model, copy.deepcopy(WRAPPER) | dict(constructor=constructor))
        for step in range(4):
            torch.manual_seed(step)
            out = model["head"](model["backbone"](torch.randn(8, 4)))
            wrapper.update_params(out.square().sum())
    for (name, host), ours in zip(models[0].named_parameters(), models[1].parameters(), strict=True):
        assert torch.equal(host, ours), name


def test_groups_by_settings():
    wrapper = build_optim_wrapper(small_model(), copy.deepcopy(WRAPPER) | dict(constructor="SharedSettingsConstructor"))
    groups = [(len(g["params"]), g["lr"], g["weight_decay"]) for g in wrapper.optimizer.param_groups]
    assert groups == [(4, 0.025, 0.05), (4, 0.1, 0.05), (2, 0.1, 0.0)]  # what a name sets comes before the norms' rule


def test_the_order_is_that_of_the_first_of_each():
    groups = [dict(params=[1]), dict(params=[2], lr=0.5), dict(params=[3]), dict(params=[4], lr=0.5, weight_decay=0.0)]
    assert with_shared_settings(groups) == [
        dict(params=[1, 3]),
        dict(params=[2], lr=0.5),
        dict(params=[4], lr=0.5, weight_decay=0.0),
    ]
