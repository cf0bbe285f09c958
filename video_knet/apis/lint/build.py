"""Building what a config names, on CPU and without downloads."""

import copy
import logging
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from traceback import extract_tb, walk_tb
from types import TracebackType
from typing import Any
from unittest.mock import patch

import torch
from mmengine.logging import MMLogger
from mmengine.optim import build_optim_wrapper
from mmengine.registry import build_from_cfg

import knet  # noqa: F401  must come before mmdet

# isort: split
from mmdet.registry import DATASETS, HOOKS, METRICS, MODELS, PARAM_SCHEDULERS

from video_knet.apis.lint.components import REGISTRIES
from video_knet.apis.lint.files import is_there
from video_knet.apis.lint.finding import Finding, did_you_mean, evaluators_of, fault, walk, warning
from video_knet.apis.lint.shapes import check_shapes

ITERATIONS = 1000  # of an epoch, for schedules that are told


def check_building(config: Mapping[str, Any]) -> list[Finding]:
    """Build model, optimizer, schedule, datasets, metrics and hooks; each failure is a fault with its key.

    A small image goes through the model, so that parts with other numbers of channels are found.

    Weights stay as memory has them: nothing is initialised or downloaded. Datasets are read where their root is there.

    Args:
        config: The resolved config; not changed.
    """
    findings: list[Finding] = []
    config = copy.deepcopy(config)
    with quiet():
        model = _try(config, "model", lambda: build_model(config["model"]), findings)
        if model is not None and config.get("optim_wrapper"):
            _check_optimizer(config, model, findings)
        if model is not None:
            findings += check_shapes(model)
        for loader in ("train_dataloader", "val_dataloader", "test_dataloader"):
            if (config.get(loader) or {}).get("dataset"):
                key = f"{loader}.dataset"
                _try(config, key, lambda key=key: DATASETS.build(lazy_without_data(_get(config, key))), findings)
        _check_metrics(config, findings)
        for name, hook in (config.get("default_hooks") or {}).items():
            if isinstance(hook, Mapping) and "type" in hook:
                _try(config, f"default_hooks.{name}", lambda hook=hook: HOOKS.build(_hook(hook)), findings)
        for index, hook in enumerate(config.get("custom_hooks") or ()):
            _try(config, f"custom_hooks[{index}]", lambda hook=hook: HOOKS.build(_hook(hook)), findings)
    return findings


@contextmanager
def quiet() -> Iterator[None]:
    """No messages of the host below errors."""
    logger = MMLogger.get_current_instance()
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def build_model(settings: Mapping[str, Any]) -> torch.nn.Module:
    """A model whose weights are not drawn, which takes most of the time of building one."""
    names = [name for name in vars(torch.nn.init) if name.endswith("_") and not name.startswith("_")]
    with patch.multiple(torch.nn.init, **dict.fromkeys(names, _untouched)):
        return MODELS.build(settings)


def _untouched(tensor: torch.Tensor, *args, **kwargs) -> torch.Tensor:
    return tensor


def _try(config: Mapping[str, Any], key: str, build: Callable[[], Any], findings: list[Finding]) -> Any:
    """What `build` returns; None, and a finding, where it fails."""
    try:
        return build()
    except Exception as error:
        findings.append(failure(config, key, error))
        return None


def failure(config: Mapping[str, Any], key: str, error: Exception) -> Finding:
    """A finding for a part that could not be built, with the key of the innermost part at fault."""
    path = locate(_get(config, key), key, [part["type"] for part in parts_in(error.__traceback__)])
    text = " ".join(str(error).split()).rstrip(".") or _without_words(error)
    if isinstance(error, (ValueError, OSError)):
        return fault(path, text, "Correct what it names")
    if is_wrong_call(error):
        return fault(path, f"cannot be built: {text}", "Give what is missing, and take out what is not known")
    return fault(path, f"cannot be built: {type(error).__name__}: {text}", "Compare it with the docstring of the class")


def _without_words(error: Exception) -> str:
    """What to say of an error that says nothing: the condition of an assertion, else the name of the error."""
    line = extract_tb(error.__traceback__)[-1].line if isinstance(error, AssertionError) else None
    return f"`{line.removeprefix('assert ')}` does not hold" if line else type(error).__name__


def wrong_call(config: Mapping[str, Any], error: Exception) -> str | None:
    """What to say of a part that could not be called with what a config gives it; None for any other error."""
    types = [part["type"] for part in parts_in(error.__traceback__)]
    if not types or not is_wrong_call(error):
        return None
    text = " ".join(str(error.args[0] if error.args else error).split()).rstrip(".")
    read = {key: config[key] for key in REGISTRIES if key in config}
    return f"{locate(read, '', types) or types[-1]}: {text}"


def is_wrong_call(error: Exception) -> bool:
    """Whether a part was not even entered: it is not known, or arguments are missing or not known."""
    *_, (frame, _) = walk_tb(error.__traceback__)
    return frame.f_code is build_from_cfg.__code__


def parts_in(trace: TracebackType | None) -> list[Mapping[str, Any]]:
    """Configs of the parts that were being built when an error came, the outer ones first."""
    frames = [frame for frame, _ in walk_tb(trace) if frame.f_code is build_from_cfg.__code__]
    configs = [frame.f_locals.get("cfg") for frame in frames]
    return [cfg for cfg in configs if isinstance(cfg, Mapping) and isinstance(cfg.get("type"), str)]


def locate(value: Any, path: str, types: list[str]) -> str:
    """Follow types of parts inwards from a value; the path of the last one that is found."""
    if types and isinstance(value, Mapping) and value.get("type") == types[0]:
        types = types[1:]
    for kind in types:
        below = next(((p, v) for p, v in walk(value, path) if v.get("type") == kind and p != path), None)
        if below is not None:
            path, value = below
    return path


def _get(config: Any, key: str) -> Any:
    for part in key.replace("[", ".").replace("]", "").split("."):
        config = config[int(part)] if isinstance(config, (list, tuple)) else config[part]
    return config


def _hook(hook: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in hook.items() if name != "priority"}


def _check_optimizer(config: Mapping[str, Any], model: torch.nn.Module, findings: list[Finding]) -> None:
    """Optimizer and schedule; rules for parameters that no parameter follows."""
    wrapper = copy.deepcopy(config["optim_wrapper"])
    if wrapper.get("type") == "AmpOptimWrapper":  # asserts a GPU
        wrapper["type"] = "OptimWrapper"
        for name in ("loss_scale", "dtype", "use_fsdp"):
            wrapper.pop(name, None)
    optimizer = _try(config, "optim_wrapper", lambda: build_optim_wrapper(model, wrapper), findings)
    names = [name for name, _ in model.named_parameters()]
    rules = (wrapper.get("paramwise_cfg") or {}).get("custom_keys") or {}
    for rule in rules:
        if not any(rule in name for name in names):
            remedy = did_you_mean(rule, {part for name in names for part in name.split(".") if not part.isdecimal()})
            path = f"optim_wrapper.paramwise_cfg.custom_keys.{rule}"
            findings.append(warning(path, "no parameter of the model has this in its name", remedy))
    if optimizer is None:
        return
    schedulers = config.get("param_scheduler") or []
    single = isinstance(schedulers, Mapping)
    for index, scheduler in enumerate([schedulers] if single else schedulers):
        key = "param_scheduler" if single else f"param_scheduler[{index}]"
        told = dict(optimizer=optimizer, epoch_length=ITERATIONS)
        _try(config, key, lambda s=scheduler, told=told: PARAM_SCHEDULERS.build(s, default_args=told), findings)


def lazy_without_data(dataset: Mapping[str, Any]) -> Mapping[str, Any]:
    """The same dataset, not reading where its root is missing, and not decoding annotations in any case."""
    dataset = copy.deepcopy(dataset)
    for _, entry in walk(dataset):
        if entry.get("type") == "VideoDataset":
            entry["check_labels"] = False
            if not os.path.exists(str(entry.get("data_root"))):
                entry["lazy_init"] = True
    if dataset.get("type") == "ConcatDataset" and any(entry.get("lazy_init") for _, entry in walk(dataset)):
        dataset["lazy_init"] = True
    return dataset


def _check_metrics(config: Mapping[str, Any], findings: list[Finding]) -> None:
    """Metrics whose files are there; `save_best` must be a score of the validation's."""
    scores: set[str] | None = set()
    for split in ("val", "test"):
        for key, settings in evaluators_of(config, split):
            named = [settings.get(name) for name in ("ann_file", "data_root")]
            if any(isinstance(path, str) and not is_there(path) for path in named):
                scores = None
                continue
            metric = _try(config, key, lambda settings=settings: METRICS.build(settings), findings)
            if split == "val":
                found = None if metric is None else score_names(metric)
                scores = None if scores is None or found is None else scores | found
    best = ((config.get("default_hooks") or {}).get("checkpoint") or {}).get("save_best")
    for name in [best] if isinstance(best, str) else best or ():
        if scores and name not in scores and name != "auto":
            message = f"'{name}' is no score of val_evaluator"
            findings.append(fault("default_hooks.checkpoint.save_best", message, did_you_mean(name, scores)))


def score_names(metric: Any) -> set[str] | None:
    """Names of the scores that a metric gives; None where it cannot be told before it runs."""
    prefix = f"{metric.prefix}/" if getattr(metric, "prefix", None) else ""
    if hasattr(metric, "benchmark"):
        result = metric.benchmark.evaluator().result()
        names = {name for name, value in result.items() if value is None or isinstance(value, float)}
    elif isinstance(getattr(metric, "metrics", None), list):  # the host's COCO metric
        names = {f"{kind}_mAP{part}" for kind in metric.metrics for part in ("", "_50", "_75", "_s", "_m", "_l")}
    else:
        return None
    return {prefix + name for name in names}
