"""What a model takes from the checkpoint that its training starts from, or is resumed from."""

from typing import Any

from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from torch import nn

from knet.checkpoint import listed, misfits, under_our_names
from knet.starting_weights import take_over
from video_knet.apis.class_names import checkpoint_class_names, config_class_names


class StartingWeightsHook(Hook):
    """Fits a checkpoint to the model before the host copies its weights.

    With `load_from` the model takes what it has, too, class rows by name where file and model say what their classes
    are, and the log says what is fresh and what is left out. A run that is resumed wants all of it.

    `build_runner` registers it; the host's own way would say less, and mix up classes that are as many.
    """

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        """Replaces `state_dict` by all weights of the model.

        Raises:
            ValueError: Nothing fits; of a run that is resumed, not everything does.
        """
        path = runner._load_from or "the latest checkpoint"
        if "state_dict" not in checkpoint or "released" not in checkpoint:  # a download, which nobody looked at yet
            checkpoint |= under_our_names(checkpoint, path)
        own = unwrapped(runner.model).state_dict()
        if runner._resume:
            check_resuming(checkpoint, own, path)
            return
        start = take_over(
            checkpoint["state_dict"],
            own,
            config_class_names(runner.cfg.model),
            checkpoint_class_names(checkpoint),
        )
        if not start.copied:
            raise ValueError(
                f"load_from={path}: none of its {len(checkpoint['state_dict'])} weights fits the config's model; "
                "choose a checkpoint of K-Net or Video K-Net, or leave load_from out"
            )
        print_log(f"{path}:\n  {start.report()}", "current")
        checkpoint["state_dict"] = start.state_dict


def check_resuming(checkpoint: dict[str, Any], own: dict[str, Any], path: str) -> None:
    """Refuse to go on with another model, or with weights alone."""
    if lacking := [key for key in ("meta", "message_hub", "optimizer") if key not in checkpoint]:
        raise ValueError(
            f"{path} cannot be resumed from: it holds no {', no '.join(lacking)}. Start from its weights with "
            "--cfg-options load_from=FILE instead"
        )
    if wrong := misfits(checkpoint["state_dict"], own):
        raise ValueError(
            f"{path} does not fit the config's model; resume with the config it was trained with:{listed(wrong)}"
        )


def unwrapped(model: nn.Module) -> nn.Module:
    """The model itself, without what distributes it."""
    return model.module if is_model_wrapper(model) else model
