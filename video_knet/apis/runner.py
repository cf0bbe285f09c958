"""From a config to a runner of the host: what `tools/train.py` and `tools/test.py` share."""

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
import torch.distributed
from mmengine.config import Config
from mmengine.runner import CheckpointLoader, Runner
from mmengine.runner.checkpoint import get_external_models, get_torchvision_models

from knet.checkpoint import UnsafeCheckpointError, read_checkpoint
from video_knet.apis.lint.build import wrong_call
from video_knet.apis.lint.components import check_components
from video_knet.apis.lint.finding import did_you_mean
from video_knet.apis.lint.variables import KNOWN_KEYS
from video_knet.apis.starting_hook import StartingWeightsHook
from video_knet.apis.threads import limit_threads


def load_config(path: str | Path, work_dir: str | Path | None = None, options: dict[str, Any] | None = None) -> Config:
    """Read the config file of a run.

    Args:
        path: The file.
        work_dir: Where the run writes; by default `work_dirs/` and the stem of the file.
        options: Overrides by dotted name.

    Raises:
        FileNotFoundError: No such file.
        ValueError: It cannot be read, or has no model.
    """
    config = read_config(path, options)
    if "model" not in config:
        raise ValueError(f"{path}: no model in it; name a config that is not one of the parts in _base_")
    if work_dir is not None:
        config.work_dir = str(work_dir)
    elif config.get("work_dir") is None:
        config.work_dir = str(Path("work_dirs") / Path(path).stem)
    return config


def read_config(path: str | Path, options: dict[str, Any] | None = None) -> Config:
    """Read a config file, which may be a part of one; arguments and errors as for `load_config`."""
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such config file")
    try:
        config = Config.fromfile(path)
    except (SyntaxError, TypeError, OSError) as error:  # TypeError: a dict on what is none in the base
        raise ValueError(f"{path}: {error}") from error
    except KeyError as error:  # how the host says that a variable is set, but empty
        reason = str(error.args[0]).rstrip(".")
        raise ValueError(
            f"{path}: {reason}. An environment variable that the config reads is empty: set or unset it"
        ) from error
    return with_options(config, options or {})


def with_options(config: Config, options: dict[str, Any]) -> Config:
    """A copy of a config with overrides by dotted name; errors as of `check_options`."""
    check_options(options, config)
    config = copy.deepcopy(config)
    config.merge_from_dict(options)
    return config


def check_options(options: dict[str, Any], config: Config) -> None:
    """Refuse overrides of what nothing reads, which would silently do nothing.

    Raises:
        ValueError: The first part of a name is no key of the runner's.
    """
    for name in options:
        key = name.split(".")[0].split("[")[0]
        if key in KNOWN_KEYS:
            continue
        if key in config:
            raise ValueError(
                f"config option {name!r}: {key} is a variable of the config's files, which have been read by then; "
                "override the keys that are made of it"
            )
        raise ValueError(f"config option {name!r}: there is no key {key!r}. {did_you_mean(key, KNOWN_KEYS)}.")


def build_runner(config: Config, launcher: str = "none", threads: int | None = None) -> Runner:
    """Build the host's runner; what the host gets wrong for us is set right here.

    Weights are loaded without executing anything in a file. Several processes work on CPU, too.

    Args:
        config: Of the run.
        launcher: "none", "pytorch", "slurm" or "mpi".
        threads: CPU threads of this process; None for a default.

    Raises:
        ValueError: A part is not known, or takes no such argument.
    """
    check_parts(config)
    CheckpointLoader.register_scheme("", loader=load_from_safe_file, force=True)
    CheckpointLoader.register_scheme(("http://", "https://"), loader=load_from_safe_url, force=True)
    CheckpointLoader.register_scheme(("modelzoo://", "torchvision://"), loader=load_from_torchvision, force=True)
    CheckpointLoader.register_scheme(("open-mmlab://", "openmmlab://"), loader=load_from_openmmlab, force=True)
    config.launcher = launcher
    if launcher == "pytorch" and not torch.cuda.is_available():
        distribute_on_cpu(config)
    limit_threads(threads)
    if config.get("visualizer") is None:
        config.visualizer = dict(type="Visualizer", vis_backends=[dict(type="LocalVisBackend")])
    try:
        runner = Runner.from_cfg(config)
    except (TypeError, KeyError) as error:
        if (reason := wrong_call(config._cfg_dict, error)) is None:
            raise
        raise ValueError(f"{reason}. {all_faults(config)}") from error
    runner.register_hook(StartingWeightsHook())
    return runner


def check_parts(config: Config) -> None:
    """Refuse parts and arguments that are not known, before anything is built.

    Raises:
        ValueError: The first one.
    """
    if faults := check_components(config):
        raise ValueError(f"{faults[0].key}: {faults[0].message}. {faults[0].remedy}. {all_faults(config)}")


def all_faults(config: Config) -> str:
    """Where to see all faults of a config."""
    return f"`tools/lint_config.py {config.filename or 'CONFIG'}` lists all faults"


def load_from_safe_file(filename: str, map_location: Any = None) -> dict[str, Any]:
    """The host's loader of local files, without its fallback to executing what a file holds."""
    return read_checkpoint(Path(filename).expanduser(), map_location=map_location or "cpu")


def load_from_safe_url(url: str, map_location: Any = None) -> dict[str, Any]:
    """The host's loader of downloads, without executing what they hold."""
    try:
        return torch.hub.load_state_dict_from_url(url, map_location=map_location, weights_only=True)
    except OSError:
        raise  # of the connection
    except Exception as error:  # damaged bytes fail in whatever way they lead to
        raise UnsafeCheckpointError(f"{url}: refused. It is no checkpoint, or holds objects to be executed") from error


def load_from_torchvision(name: str, map_location: Any = None) -> dict[str, Any]:
    """ImageNet weights by the host's short names, as `torchvision://resnet50`."""
    return load_from_safe_url(known_url(name, get_torchvision_models()), map_location)


def load_from_openmmlab(name: str, map_location: Any = None) -> dict[str, Any]:
    """ImageNet weights that OpenMMLab keeps, as `open-mmlab://resnet101_v1c`."""
    return load_from_safe_url(known_url(name, get_external_models()), map_location)


def known_url(name: str, urls: Mapping[str, str]) -> str:
    """Where the host has the weights of a short name.

    Raises:
        ValueError: It has none.
    """
    short = name.split("://", 1)[1]
    if short not in urls:
        raise ValueError(f"{name}: the host knows no weights of this name. {did_you_mean(short, urls)}.")
    return urls[short]


def distribute_on_cpu(config: Config) -> None:
    """Start the process group with gloo. The host would set a CUDA device, and hand it to the model wrapper."""
    if not torch.distributed.is_initialized():
        torch.distributed.init_process_group("gloo")
    config.model_wrapper_cfg = dict(type="MMDistributedDataParallel", device_ids=None, broadcast_buffers=False)
    config.sync_bn = None  # needs GPUs


def use_amp(config: Config) -> None:
    """Switch a config to automatic mixed precision.

    Raises:
        ValueError: There is no GPU.
    """
    if not torch.cuda.is_available():
        raise ValueError("--amp needs a CUDA GPU, and none is visible; leave it out to train in float32 on CPU")
    config.optim_wrapper.type = "AmpOptimWrapper"
    config.optim_wrapper.loss_scale = "dynamic"
