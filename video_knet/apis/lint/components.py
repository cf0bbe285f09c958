"""Names of registered parts and of their arguments, looked up without building anything."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from mmengine.registry import FUNCTIONS, Registry
from mmengine.runner import Runner
from mmengine.utils.dl_utils import set_multi_processing
from torch.utils.data import DataLoader

import knet  # noqa: F401  must come before mmdet

# isort: split
from mmdet import registry as host

from video_knet.apis.lint.finding import Finding, did_you_mean, fault, join

DATA = (host.DATASETS, host.TRANSFORMS, host.DATA_SAMPLERS, host.TASK_UTILS, FUNCTIONS)
REGISTRIES: dict[str, tuple[Registry, ...]] = {  # of the parts below a top-level key
    "model": (host.MODELS, host.TASK_UTILS),
    "data_preprocessor": (host.MODELS,),
    "train_dataloader": DATA,
    "val_dataloader": DATA,
    "test_dataloader": DATA,
    "train_cfg": (host.LOOPS,),
    "val_cfg": (host.LOOPS,),
    "test_cfg": (host.LOOPS,),
    "val_evaluator": (host.METRICS, host.EVALUATOR),
    "test_evaluator": (host.METRICS, host.EVALUATOR),
    "optim_wrapper": (host.OPTIM_WRAPPERS, host.OPTIMIZERS),
    "param_scheduler": (host.PARAM_SCHEDULERS,),
    "default_hooks": (host.HOOKS,),
    "custom_hooks": (host.HOOKS,),
    "visualizer": (host.VISUALIZERS, host.VISBACKENDS),
    "log_processor": (host.LOG_PROCESSORS,),
    "model_wrapper_cfg": (host.MODEL_WRAPPERS,),
}
OF_KEY: dict[str, tuple[Registry, ...]] = dict.fromkeys(("init_cfg", "override"), (host.WEIGHT_INITIALIZERS,))
OF_LOADER_KEY: dict[str, tuple[Registry, ...]] = {
    "dataset": (host.DATASETS,),
    "datasets": (host.DATASETS,),
    "pipeline": (host.TRANSFORMS,),
    "transforms": (host.TRANSFORMS,),
    "sampler": (host.DATA_SAMPLERS,),
    "batch_sampler": (host.DATA_SAMPLERS,),
    "collate_fn": (FUNCTIONS,),
    "worker_init_fn": (FUNCTIONS,),
}
# What the host takes out before it calls the class, by the top-level key or the last one.
TAKEN_OUT: dict[str, set[str]] = {
    "optim_wrapper": {"constructor", "paramwise_cfg"},
    "param_scheduler": {"convert_to_iter_based"},
    "default_hooks": {"priority"},
    "custom_hooks": {"priority"},
    "norm_cfg": {"requires_grad"},
    "init_cfg": {"override"},
    "override": {"name"},
}
ALWAYS = {"type", "_scope_"}
GIVE_ARGUMENTS = ("model", "optim_wrapper", "visualizer", "model_wrapper_cfg")  # parts there give arguments to others
GIVEN = {"runner", "dataloader", "evaluator", "optimizer", "dataset", "sampler", "batch_size"}  # by the host
# Settings of a builder rather than arguments of the named class; building finds their faults.
BUILDER_SETTINGS = ("conv_cfg", "act_cfg", "upsample_cfg", "dcn", "plugins")
PARAMWISE = {"custom_keys", "bias_lr_mult", "bias_decay_mult", "norm_decay_mult", "dwconv_decay_mult"}
PARAMWISE |= {"flat_decay_mult", "bypass_duplicate", "dcn_offset_lr_mult"}
DEFAULT_CONSTRUCTORS = ("DefaultOptimWrapperConstructor", "SharedSettingsConstructor")  # which read all of them


def check_components(config: Mapping[str, Any]) -> list[Finding]:
    """Unknown parts, and unknown or missing arguments of parts, everywhere below the keys that the runner reads."""
    findings: list[Finding] = []
    for key, registries in REGISTRIES.items():
        _check(config.get(key), key, registries, findings)
    for path, (value, names) in plain_settings(config).items():
        if isinstance(value, Mapping) and "type" not in value:
            findings += [unknown_key(join(path, name), name, names) for name in value if name not in names]
    findings += [
        fault(
            join("default_hooks", name),
            f"no hook of this name has a type: {dict(hook)}",
            did_you_mean(name, set(config["default_hooks"]) - {name}),
        )
        for name, hook in (config.get("default_hooks") or {}).items()
        if isinstance(hook, Mapping) and "type" not in hook
    ]
    return findings


def _check(value: Any, path: str, registries: tuple[Registry, ...], findings: list[Finding]) -> None:
    """Look at a value and all that is in it."""
    if isinstance(value, (list, tuple)):
        for index, entry in enumerate(value):
            _check(entry, join(path, index), registries, findings)
    if not isinstance(value, Mapping):
        return
    if isinstance(value.get("type"), str):
        _check_part(value, path, registries, findings)
    for key, entry in value.items():
        _check(entry, join(path, key), registries, findings)


def _check_part(part: Mapping[str, Any], path: str, registries: tuple[Registry, ...], findings: list[Finding]) -> None:
    """Look up the class of a part, and the names of its arguments."""
    top, last = path.split(".")[0].split("[")[0], path.rsplit(".", 1)[-1].split("[")[0]
    narrower = OF_LOADER_KEY.get(last) if top.endswith("_dataloader") else None
    registries = OF_KEY.get(last) or narrower or registries
    components = find_components(part["type"], registries)
    if not components:
        known = {name for registry in registries for name in names_in(registry)}
        where = " or ".join(registry.name for registry in registries)
        message = f"'{part['type']}' is not registered ({where})"
        findings.append(fault(join(path, "type"), message, unknown_type_remedy(part["type"], known)))
    elif last not in BUILDER_SETTINGS:
        extra = ALWAYS | TAKEN_OUT.get(last, set()) | TAKEN_OUT.get(top, set())
        found = [_check_arguments(part, path, component, extra, top) for component in components]
        findings += min(found, key=len)  # registries may have different parts of one name


def _check_arguments(
    part: Mapping[str, Any], path: str, component: Callable, extra: set[str], top: str
) -> list[Finding]:
    """Names that a class does not take, and names without a default that are not given."""
    names = argument_names(component)
    unknown = [] if names is None else [name for name in part if name not in names | extra]
    findings = [unknown_key(join(path, name), name, names, part["type"]) for name in unknown]
    if top not in GIVE_ARGUMENTS:
        missing = [name for name in required_names(component) if name not in part and name not in GIVEN]
        message = f"argument{'s' * (len(missing) > 1)} {' and '.join(missing)} of {part['type']} missing"
        findings += [fault(path, message, "Give a value; there is no default")] * bool(missing)
    return findings


def unknown_key(path: str, name: str, names: set[str], owner: str | None = None) -> Finding:
    """A finding for a key that nothing reads."""
    what = f"unknown argument '{name}' of {owner}" if owner else f"unknown key '{name}'"
    if name == "_delete_":
        return fault(path, f"{what}: no base has anything here to delete", "Take it out")
    return fault(path, what, did_you_mean(name, names))


def unknown_type_remedy(name: str, known: set[str]) -> str:
    """What to do about a part that is not registered."""
    remedy = did_you_mean(name, known)
    if remedy.startswith("Write"):
        return remedy
    return "Correct the name, or import the module that registers it (custom_imports)"


def find_components(name: str, registries: tuple[Registry, ...]) -> list[Callable]:
    """The classes or functions of this name, one of each registry that has it."""
    return [component for registry in registries if (component := registry.get(name)) is not None]


def names_in(registry: Registry) -> set[str]:
    """Names of all parts of a registry and of the ones above it."""
    names: set[str] = set()
    while registry is not None:
        names |= set(registry.module_dict)
        registry = registry.parent
    return names


def argument_names(component: Callable) -> set[str] | None:
    """Names that a class or function takes as keywords.

    Where `__init__` has **kwargs, those of the next class that has one are added.

    Returns:
        None where any name may be taken: **kwargs that go no one knows where, or no signature.
    """
    names: set[str] = set()
    for function in _calls(component):
        try:
            parameters = inspect.signature(function).parameters.values()
        except (TypeError, ValueError):
            return None
        names |= {p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)} - {"self"}
        if not any(p.kind is p.VAR_KEYWORD for p in parameters):
            return names
    return None


def required_names(component: Callable) -> list[str]:
    """Names of the arguments that have no default."""
    for function in _calls(component)[:1]:
        try:
            parameters = inspect.signature(function).parameters.values()
        except (TypeError, ValueError):
            return []
        named = [p for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
        return [p.name for p in named if p.default is p.empty and p.name != "self"]
    return []


def _calls(component: Callable) -> list[Callable]:
    """What takes the arguments: a function, or each `__init__` of a class and of its parents in turn."""
    if not inspect.isclass(component):
        return [component]
    return [vars(cls)["__init__"] for cls in component.__mro__[:-1] if "__init__" in vars(cls)]


def plain_settings(config: Mapping[str, Any]) -> dict[str, tuple[Any, set[str]]]:
    """{path: (value, known keys)} of dicts that are no parts."""
    loader = argument_names(DataLoader) | {"num_batch_per_epoch", "disable_subprocess_warning"}
    environment = config.get("env_cfg") or {}
    optimizing = config.get("optim_wrapper") or {}
    paramwise = optimizing.get("paramwise_cfg") or {}
    processes = argument_names(set_multi_processing) - {"distributed"}
    settings = {
        **{key: (config.get(key), loader) for key in ("train_dataloader", "val_dataloader", "test_dataloader")},
        "randomness": (config.get("randomness"), argument_names(Runner.set_randomness)),
        "auto_scale_lr": (config.get("auto_scale_lr"), {"enable", "base_batch_size"}),
        "custom_imports": (config.get("custom_imports"), {"imports", "allow_failed_imports"}),
        "env_cfg": (environment, {"cudnn_benchmark", "mp_cfg", "dist_cfg", "resource_limit"}),
        "env_cfg.mp_cfg": (environment.get("mp_cfg"), processes),
        "world": (config.get("world"), {"format", "kind", "size", "frames", "seed", "difficulty", "videos"}),
    }
    if optimizing.get("constructor", DEFAULT_CONSTRUCTORS[0]) in DEFAULT_CONSTRUCTORS:
        settings["optim_wrapper.paramwise_cfg"] = (paramwise, PARAMWISE)
        for name, entry in (paramwise.get("custom_keys") or {}).items():
            settings[f"optim_wrapper.paramwise_cfg.custom_keys.{name}"] = (entry, {"lr_mult", "decay_mult"})
    return settings
