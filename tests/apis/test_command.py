"""What the command-line tools share."""

import pytest
import torch.distributed

from tools.benchmarks import evaluation, model, pipeline, video_ap
from video_knet.apis.command import run_command


def fail(error: Exception) -> None:
    raise error


def test_a_tool_leaves_the_process_group(tmp_path):
    """A process that ended with an open group aborted in one run out of four."""
    torch.distributed.init_process_group("gloo", f"file://{tmp_path}/store", rank=0, world_size=1)
    try:
        assert run_command("train", lambda: torch.distributed.barrier()) == 0
        assert not torch.distributed.is_initialized()
    finally:
        if torch.distributed.is_initialized():
            torch.distributed.destroy_process_group()


def test_a_fault_in_the_input_is_one_sentence(capsys):
    assert run_command("train", lambda: fail(FileNotFoundError("a.py: no such config file"))) == 1
    assert capsys.readouterr().err == "train: a.py: no such config file\n"


@pytest.mark.parametrize("tool", [evaluation, model, pipeline, video_ap], ids=lambda tool: tool.__name__)
@pytest.mark.parametrize("value", ["0", "-1", "x"])
def test_counts_of_a_benchmark_are_above_zero(tool, value, capsys):
    with pytest.raises(SystemExit):
        tool.main(["--repeats", value])
    assert "argument --repeats: " in capsys.readouterr().err


def test_other_errors_are_not_hidden():
    with pytest.raises(RuntimeError):
        run_command("train", lambda: fail(RuntimeError("a bug")))
    assert run_command("demo", lambda: fail(RuntimeError("no such codec")), faults=(RuntimeError,)) == 1
