"""The demo: a video in, an overlay video out; faults in one sentence."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tools.demo import main
from video_knet.apis.video_io import VideoWriter, read_frames

TOOL = Path(__file__).parents[2] / "tools" / "demo.py"


class Frames(list):
    """Of a video whose head is whole, and nothing else."""

    length, fps, name = 5, 25.0, "drive"


@pytest.fixture
def video(tmp_path):
    folder = tmp_path / "frames"
    folder.mkdir()
    with VideoWriter(tmp_path / "drive.mp4", fps=25) as writer:
        for i in range(5):
            image = np.full((80, 120, 3), 90, np.uint8)
            image[20:40, 10 + 10 * i : 30 + 10 * i] = (250, 10, 10)
            writer.write(image)
            Image.fromarray(image).save(folder / f"{i:04d}.png")
    return tmp_path / "drive.mp4"


def test_video_file_and_folder_give_an_overlay_video(red_square, video, tmp_path, capsys):
    arguments = [*map(str, red_square), "--device", "cpu", "--threads", "1", "--out"]
    out = tmp_path / "new" / "overlay.mp4"
    assert main([*arguments[:2], str(video), *arguments[2:], str(out)]) == 0
    assert str(out) in capsys.readouterr().out
    source = read_frames(out)
    assert (source.length, source.fps) == (5, 25.0)
    folder = str(tmp_path / "frames")
    extra = ["--max-frames", "3", "--fps", "7", "--color-by", "kernel"]
    assert main([*arguments[:2], folder, *arguments[2:], str(out), *extra]) == 0
    source = read_frames(out)
    assert (source.length, source.fps) == (3, 7.0)
    assert [p.name for p in out.parent.iterdir()] == ["overlay.mp4"]


def test_faults_are_one_sentence(red_square, video, tmp_path, capsys):
    config, checkpoint = map(str, red_square)
    (tmp_path / "empty").mkdir()
    out = ["--out", str(tmp_path / "o.mp4")]
    cases = {
        "none.py does not exist": [str(tmp_path / "none.py"), checkpoint, str(video)],
        "holds no images": [config, checkpoint, str(tmp_path / "empty")],
        "checkpoint": [config, str(video), str(video)],
        "'cuda:99' is not there": [config, checkpoint, str(video), "--device", "cuda:99"],
    }
    for message, arguments in cases.items():
        assert main([*arguments, *out]) == (2 if message == "checkpoint" else 1)
        error = capsys.readouterr().err.strip().splitlines()[-1]
        assert error.startswith("demo: ")
        assert message in error
    assert not (tmp_path / "o.mp4").exists()


def test_a_video_without_frames_is_an_error(red_square, video, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("video_knet.apis.video_io.read_frames", lambda path: Frames())
    out = tmp_path / "o.mp4"
    assert main([*map(str, red_square), str(video), "--device", "cpu", "--threads", "1", "--out", str(out)]) == 1
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert f"{video}: none of its frames can be decoded, so {out} was not written" in error
    assert not out.exists()


def test_wrong_usage_exits_with_2(video):
    for arguments in (
        ["c.py", "c.pth", str(video)],
        ["c.py", "c.pth", str(video), "--out", "o.avi"],
        ["c.py", "c.pth", str(video), "--out", "o.mp4", "--cfg-options", "a"],
        ["c.py", "c.pth", str(video), "--out", "o.mp4", "--max-frames", "0"],
        ["c.py", "c.pth", str(video), "--out", "o.mp4", "--color-by", "hue"],
    ):
        with pytest.raises(SystemExit) as exit_info:
            main(arguments)
        assert exit_info.value.code == 2


def test_help_imports_nothing_heavy():
    code = (
        "import sys; sys.argv = ['demo.py', '--help']\n"
        "import runpy\n"
        f"try: runpy.run_path({str(TOOL)!r}, run_name='__main__')\n"
        "except SystemExit as end: assert not end.code\n"
        "assert not {'torch', 'mmdet', 'cv2', 'av', 'numpy'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "--color-by" in done.stdout
