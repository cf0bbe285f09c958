"""Testing a checkpoint: metrics, predictions on disk, overlay videos."""

import logging
from pathlib import Path
from typing import Any

from mmengine.config import Config, ConfigDict
from mmengine.dist import is_main_process
from mmengine.logging import print_log
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

from knet.checkpoint import load_checkpoint, read_checkpoint
from video_knet.apis.runner import build_runner, load_config
from video_knet.formats.disk.json_files import write_json


def run_test(
    config: str | Path,
    checkpoint: str | Path,
    work_dir: str | Path | None = None,
    out_dir: str | Path | None = None,
    show_dir: str | Path | None = None,
    compare_dir: str | Path | None = None,
    color_by: str = "track",
    json_file: str | Path | None = None,
    options: dict[str, Any] | None = None,
    launcher: str = "none",
    threads: int | None = None,
) -> dict[str, Any]:
    """Run the test loop of a config.

    Args:
        config: Config file.
        checkpoint: Weights; all of the model's must be there.
        work_dir: Where to log.
        out_dir: Folder to write predictions to, in the layout of the dataset.
        show_dir: Folder to write overlay videos to.
        compare_dir: Predictions of another model, shown beside.
        color_by: "track" or "kernel".
        json_file: File to write all metrics to.
        options: Overrides of the config by dotted name.
        launcher: "none", "pytorch", "slurm" or "mpi".
        threads: CPU threads of this process.

    Returns:
        All that the metrics measured; empty for a split without annotations.
    """
    cfg = load_config(config, work_dir, options)
    weights = read_checkpoint(checkpoint)  # before anything is built, so that it is refused at once
    cfg.load_from, cfg.resume = None, False  # the host would load them over the weights to be tested
    add_test_outputs(cfg, out_dir, show_dir, compare_dir, color_by)
    runner = build_runner(cfg, launcher, threads)
    model = runner.model.module if is_model_wrapper(runner.model) else runner.model
    load_checkpoint(model, weights, checkpoint)
    scores = runner.test()
    report = full_report(runner, scores)
    if is_main_process():
        for metric in runner.test_loop.evaluator.metrics:
            if getattr(metric, "report", None):
                print_log("\n" + metric.benchmark.format(metric.report), "current")
        if json_file is not None and report:
            write_json(Path(json_file), report, indent=2)
        elif json_file is not None:
            print_log(f"{json_file} was not written: the split has no annotations", "current", logging.WARNING)
    return report


def add_test_outputs(
    config: Config,
    out_dir: str | Path | None = None,
    show_dir: str | Path | None = None,
    compare_dir: str | Path | None = None,
    color_by: str = "track",
) -> None:
    """Make the test loop write predictions and overlay videos.

    Args:
        config: Is changed.
        out_dir: Folder of the predictions, in the layout of the dataset.
        show_dir: Folder of the overlay videos.
        compare_dir: Predictions of another model, shown beside.
        color_by: "track" or "kernel".
    """
    evaluators = config.test_evaluator if isinstance(config.test_evaluator, list) else [config.test_evaluator]
    evaluators = [ConfigDict(evaluator) for evaluator in evaluators]
    if out_dir is not None:
        evaluators[0].out_dir = str(out_dir)
    if show_dir is not None:
        config.custom_imports.imports = [*config.custom_imports.imports, "video_knet.apis.overlay_metric"]
        import video_knet.apis.overlay_metric  # noqa: F401  registers it; the config was already read

        compare = None if compare_dir is None else str(compare_dir)
        overlay = dict(type="OverlayVideo", out_dir=str(show_dir), compare_dir=compare, color_by=color_by)
        evaluators.append(ConfigDict(overlay))
    config.test_evaluator = evaluators


def full_report(runner: Runner, scores: dict[str, float]) -> dict[str, Any]:
    """All that the test metrics measured, per class and per video where they say so; empty without annotations."""
    reports = [metric.report for metric in runner.test_loop.evaluator.metrics if hasattr(metric, "report")]
    return {name: value for report in reports for name, value in report.items()} if reports else dict(scores)
