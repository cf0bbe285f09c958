"""Training from a config: on its own, or starting from a checkpoint."""

from mmengine.config import Config
from mmengine.logging import print_log
from torch import Size, nn

from knet.checkpoint import read_checkpoint
from video_knet.apis.runner import build_runner
from video_knet.apis.starting_hook import unwrapped


def run_train(config: Config, launcher: str = "none", threads: int | None = None) -> None:
    """Run the training loop of a config.

    A file to start from is read before anything is built, so that it is refused at once.

    Args:
        config: Of the run.
        launcher: "none", "pytorch", "slurm" or "mpi".
        threads: CPU threads of this process.

    Raises:
        ValueError: The file is refused, or nothing of it fits.
    """
    shapes = starting_shapes(config)
    runner = build_runner(config, launcher, threads)
    spare_pretraining(unwrapped(runner.model), shapes)
    runner.train()


def starting_shapes(config: Config) -> dict[str, Size]:
    """Shapes of the weights in the file that a run starts or is resumed from; empty where no file is named.

    Raises:
        ValueError: The file is refused.
    """
    path = config.get("load_from")
    if not path or "://" in str(path):
        return {}
    return {name: value.shape for name, value in read_checkpoint(path).get("state_dict", {}).items()}


def spare_pretraining(model: nn.Module, shapes: dict[str, Size]) -> None:
    """Leave the backbone uninitialised where a checkpoint has all of it, so that nothing is downloaded for nothing."""
    if not getattr(model.backbone, "init_cfg", None):
        return
    own = {f"backbone.{name}": value.shape for name, value in model.backbone.state_dict().items()}
    if own and all(shapes.get(name) == shape for name, shape in own.items()):
        model.backbone.is_init = True
        print_log("the backbone's pre-trained weights are not loaded: the checkpoint has all of them", "current")
