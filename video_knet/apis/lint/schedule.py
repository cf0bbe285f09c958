"""Epochs, learning rate, validation and loaders, which must go together."""

from collections.abc import Mapping
from typing import Any

from video_knet.apis.lint.classes import is_video_metric
from video_knet.apis.lint.finding import LOADERS, Finding, datasets_of, evaluators_of, fault, join, walk, warning

REPEATING = ("RepeatDataset", "ClassBalancedDataset", "MultiImageMixDataset")
ONLINE = ("VideoKNet", "VideoSegmentor")  # models that take one frame after the other
NEEDED_HOOKS = {
    "EpochSeedHook": "every epoch would draw the same augmentation, and a resumed run another one",
    "PlainCheckpointHook": "checkpoints would hold objects that loading refuses",
}


def check_schedule(config: Mapping[str, Any], gpus: int | None = None) -> list[Finding]:
    """All of it.

    Args:
        config: The resolved config.
        gpus: Number of GPUs that the run will have; None for the number that the learning rate is meant for.
    """
    return [
        *_check_epochs(config),
        *_check_batch(config, gpus),
        *_check_parts(config),
        *_check_data(config),
        *_check_online(config),
    ]


def _check_epochs(config: Mapping[str, Any]) -> list[Finding]:
    """Milestones and validation within the epochs."""
    loop = config.get("train_cfg") or {}
    epochs, findings = loop.get("max_epochs"), []
    if not isinstance(epochs, int):
        return findings
    schedulers = config.get("param_scheduler") or []
    single = isinstance(schedulers, Mapping)
    for index, scheduler in enumerate([schedulers] if single else schedulers):
        path = "param_scheduler" if single else join("param_scheduler", index)
        if not isinstance(scheduler, Mapping) or not scheduler.get("by_epoch", True):
            continue
        late = [step for step in scheduler.get("milestones") or () if step >= epochs]
        end = scheduler.get("end")
        if late:
            message = f"{late} are never reached in train_cfg.max_epochs {epochs}"
            remedy = f"Keep milestones below {epochs}, or train longer"
            findings.append(fault(join(path, "milestones"), message, remedy))
        elif isinstance(end, int) and end != epochs:
            message = f"{scheduler.get('type')} ends at epoch {end}, but train_cfg.max_epochs is {epochs}"
            findings.append(warning(join(path, "end"), message, f"Set it to {epochs}, if that is meant"))
    if loop.get("val_interval", 1) > epochs:
        message = f"{loop['val_interval']} is beyond train_cfg.max_epochs {epochs}: only the last epoch is validated"
        findings.append(warning("train_cfg.val_interval", message, f"Set it to {epochs} or less"))
    if loop.get("val_begin", 1) > epochs:
        message = f"{loop['val_begin']} is beyond train_cfg.max_epochs {epochs}: nothing is validated"
        findings.append(fault("train_cfg.val_begin", message, f"Set it to {epochs} or less"))
    return findings


def learning_rate(config: Mapping[str, Any]) -> tuple[float, int, int] | None:
    """The learning rate, the total batch that it is meant for, and the batch of one step of one GPU."""
    lr = ((config.get("optim_wrapper") or {}).get("optimizer") or {}).get("lr")
    base = (config.get("auto_scale_lr") or {}).get("base_batch_size")
    batch = (config.get("train_dataloader") or {}).get("batch_size")
    steps = (config.get("optim_wrapper") or {}).get("accumulative_counts", 1)
    if not all(isinstance(value, (int, float)) for value in (lr, base, batch, steps)) or not base or not batch:
        return None
    return lr, base, batch * steps


def _check_batch(config: Mapping[str, Any], gpus: int | None) -> list[Finding]:
    """The learning rate goes with a total batch."""
    if not config.get("train_dataloader") or not config.get("optim_wrapper"):
        return []
    if (size := config["train_dataloader"].get("batch_size", 1)) in (0, None) or size < 0:
        return [fault("train_dataloader.batch_size", f"is {size}, but a step needs a sample", "Set it to 1 or more")]
    if not (config.get("auto_scale_lr") or {}).get("base_batch_size"):
        message = "does not say which total batch the learning rate is meant for"
        remedy = "Set auto_scale_lr=dict(enable=False, base_batch_size=GPUS * train_dataloader.batch_size)"
        return [warning("auto_scale_lr", message, remedy)]
    found = learning_rate(config)
    if found is None:
        return []
    lr, base, batch = found
    gpus = gpus or base // batch
    total = gpus * batch
    if total == base or (gpus and config["auto_scale_lr"].get("enable")):
        return []
    if not gpus:
        message = f"lr {lr:g} is meant for a total batch of {base}, but one GPU alone has {batch}"
        remedy = f"With one GPU, set it to {lr * batch / base:.3g}, or train_dataloader.batch_size to {base} or less"
        return [warning("optim_wrapper.optimizer.lr", message, remedy)]
    message = f"lr {lr:g} is meant for a total batch of {base}, but {gpus} GPU{'s' * (gpus > 1)} with {batch} "
    message += f"each make {total}"
    remedy = f"Set it to {lr * total / base:.3g} (by linear scaling), or auto_scale_lr.enable=True"
    return [warning("optim_wrapper.optimizer.lr", message, remedy)]


def _check_parts(config: Mapping[str, Any]) -> list[Finding]:
    """What belongs together is there together; hooks that this code needs are there."""
    findings = []
    for split, others in (("train", ("cfg", "optim_wrapper")), ("val", ("cfg", "evaluator")), ("test", ("cfg",))):
        names = [f"{split}_dataloader", *(o if o == "optim_wrapper" else f"{split}_{o}" for o in others)]
        there = [name for name in names if config.get(name) is not None]
        if there and len(there) < len(names):
            missing = next(name for name in names if name not in there)
            message = f"is missing, while {' and '.join(there)} is set"
            findings.append(fault(missing, message, "Set all of them, or all to None"))
    hooks = {hook.get("type") for hook in config.get("custom_hooks") or () if isinstance(hook, Mapping)}
    if any(True for _ in datasets_of(config, "train_dataloader")):
        for name, why in NEEDED_HOOKS.items():
            if name not in hooks:
                remedy = f"A list replaces the base's; repeat dict(type='{name}') in it"
                findings.append(fault("custom_hooks", f"{name} is missing: {why}", remedy))
    best = ((config.get("default_hooks") or {}).get("checkpoint") or {}).get("save_best")
    if best and config.get("val_cfg") is None:
        message = f"{best} is never measured: there is no validation"
        findings.append(fault("default_hooks.checkpoint.save_best", message, "Set it to None, or add val_cfg"))
    return findings


def _check_data(config: Mapping[str, Any]) -> list[Finding]:
    """Wrappers and loops that would repeat augmentation."""
    findings = []
    for loader in LOADERS:
        for path, entry in walk((config.get(loader) or {}).get("dataset"), f"{loader}.dataset"):
            inside = any(below is not entry and below.get("type") == "VideoDataset" for _, below in walk(entry))
            if entry.get("type") in REPEATING and inside:
                message = f"{entry['type']} around a VideoDataset would repeat the same augmentation"
                findings.append(fault(join(path, "type"), message, "Set `repeats` of the VideoDataset itself instead"))
    loop = config.get("train_cfg") or {}
    by_iteration = loop.get("type", "") == "IterBasedTrainLoop" or loop.get("by_epoch") is False
    if by_iteration and any(True for _ in datasets_of(config, "train_dataloader")):
        message = "a VideoDataset needs epochs, or it would draw the same augmentation in each pass"
        findings.append(fault("train_cfg.type", message, "Set it to 'EpochBasedTrainLoop'"))
    return findings


def _check_online(config: Mapping[str, Any]) -> list[Finding]:
    """Videos as a whole, one frame after the other."""
    findings = []
    model = (config.get("model") or {}).get("type")
    online = model in ONLINE
    for split in ("val", "test"):
        loader = config.get(f"{split}_dataloader") or {}
        sampler = (loader.get("sampler") or {}).get("type")
        metrics = [metric["type"] for _, metric in evaluators_of(config, split) if is_video_metric(metric)]
        if loader and (metrics or online) and sampler != "WholeVideoSampler":
            who = metrics[0] if metrics else model
            message = f"is {sampler}, but {who} needs each video as a whole and in order"
            findings.append(fault(f"{split}_dataloader.sampler.type", message, "Set it to 'WholeVideoSampler'"))
        if loader and online and loader.get("batch_size", 1) != 1:
            message = f"is {loader['batch_size']}, but an online model takes one frame after the other"
            findings.append(fault(f"{split}_dataloader.batch_size", message, "Set it to 1"))
        for path, dataset in datasets_of(config, f"{split}_dataloader"):
            if not dataset.get("test_mode"):
                message = "is not set, so frames would come in training order, with augmentation"
                findings.append(fault(join(path, "test_mode"), message, "Set it to True"))
    return findings
