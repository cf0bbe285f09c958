"""Videos written are H.264 that browsers play, videos read come one frame at a time, and faults are named."""

import os
import tracemalloc
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from video_knet.apis.video_io import VideoError, VideoWriter, read_frames, read_image


def frame(number: int, height: int = 64, width: int = 96) -> np.ndarray:
    """A smooth picture that changes with its number."""
    rows, columns = np.mgrid[:height, :width]
    return np.stack([rows * 2, columns * 2, np.full_like(rows, 10 * number)], axis=-1).astype(np.uint8)


def write_all(path: Path, frames: Iterable[np.ndarray]) -> Path:
    with VideoWriter(path, fps=10) as writer:
        for image in frames:
            writer.write(image)
    return path


def write_video(path: Path, number: int = 5, **size: int) -> Path:
    return write_all(path, (frame(i, **size) for i in range(number)))


def test_file_is_what_browsers_play(tmp_path):
    path = write_video(tmp_path / "deep" / "0001.mp4")
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert stream.codec_context.name == "h264"
        assert stream.codec_context.pix_fmt == "yuv420p"
        assert (stream.width, stream.height, stream.frames, stream.average_rate) == (96, 64, 5, 10)
    data = path.read_bytes()
    assert 0 < data.find(b"moov") < data.find(b"mdat")
    assert [p.name for p in path.parent.iterdir()] == ["0001.mp4"]


def test_frames_return_in_order_with_their_colours(tmp_path):
    source = read_frames(write_video(tmp_path / "a.mp4"))
    assert (source.name, source.length, source.fps) == ("a", 5, 10.0)
    for _ in range(2):  # may be read again
        frames = list(source)
        assert [name for name, _ in frames] == [f"{i:06d}" for i in range(5)]
        for i, (_, image) in enumerate(frames):
            assert image.dtype == np.uint8
            assert np.abs(image.astype(int) - frame(i)).mean() < 4


@pytest.mark.parametrize("size", [(63, 97), (64, 97), (63, 96)])
def test_odd_sizes_are_padded_to_even_ones(tmp_path, size):
    path = write_video(tmp_path / "odd.mp4", height=size[0], width=size[1])
    _, image = next(iter(read_frames(path)))
    assert image.shape == (64, 98 if size[1] == 97 else 96, 3)
    assert np.abs(image[: size[0], : size[1]].astype(int) - frame(0, *size)).mean() < 4


def test_nothing_is_left_after_an_error_and_an_older_file_stays(tmp_path):
    path = write_video(tmp_path / "a.mp4")
    before = path.read_bytes()

    def frames_of_a_failing_model():
        yield frame(0)
        raise RuntimeError("model failed")

    with pytest.raises(RuntimeError, match="model failed"):
        write_all(path, frames_of_a_failing_model())
    assert path.read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 1


def test_writer_refuses_what_is_no_video(tmp_path):
    faults = {
        r"frame 1 is 90x64.*video is 96x64": [frame(0), frame(1, width=90)],
        "float64": [frame(0) / 255.0],
        "no frame": [],
    }
    for message, frames in faults.items():
        with pytest.raises(VideoError, match=message):
            write_all(tmp_path / "a.mp4", frames)
    with pytest.raises(VideoError, match="fps is 0"):
        VideoWriter(tmp_path / "a.mp4", fps=0)
    assert not list(tmp_path.iterdir())


def test_memory_stays_flat_over_300_frames(tmp_path):
    def peak(number: int) -> int:
        write_video(tmp_path / "long.mp4", number)
        tracemalloc.start()
        assert sum(1 for _ in read_frames(tmp_path / "long.mp4")) == number
        write_video(tmp_path / "again.mp4", number)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    peak(3)  # first use imports and caches
    assert peak(300) < peak(30) + 200_000


def test_frames_are_read_when_they_are_asked_for(tmp_path):
    for i in range(3):
        Image.fromarray(frame(i)).save(tmp_path / f"{i:06d}.png")
    (tmp_path / "000002.png").write_bytes(b"no image")
    frames = read_frames(tmp_path)
    assert [name for name, _ in islice(frames, 2)] == ["000000", "000001"]
    with pytest.raises(VideoError, match=r"000002\.png cannot be decoded"):
        list(frames)


def test_folder_is_read_in_the_order_of_names_and_other_files_are_passed_over(tmp_path):
    folder = tmp_path / "0007"
    folder.mkdir()
    for i in (2, 0, 1):
        Image.fromarray(frame(i)).save(folder / f"{i:03d}.{'png' if i else 'jpg'}")
    Image.fromarray(frame(1)[..., 0]).save(folder / "003.png")  # grey
    (folder / "times.txt").write_text("0 1 2")
    source = read_frames(folder)
    assert (source.name, source.length, source.fps) == ("0007", 4, None)
    frames = dict(source)
    assert list(frames) == ["000", "001", "002", "003"]
    assert np.array_equal(frames["002"], frame(2))
    assert frames["003"].shape == (64, 96, 3)


def test_faults_of_input_are_named(tmp_path):
    with pytest.raises(VideoError, match=r"none\.mp4 does not exist; give"):
        read_frames(tmp_path / "none.mp4")
    with pytest.raises(VideoError, match="holds no images"):
        read_frames(tmp_path)
    (tmp_path / "text.mp4").write_text("this is not a video")
    with pytest.raises(VideoError, match=r"text\.mp4 is not a video"):
        read_frames(tmp_path / "text.mp4")
    with pytest.raises(VideoError, match=r"x\.png does not exist"):
        read_image(tmp_path / "x.png")
    folder = tmp_path / "sizes"
    folder.mkdir()
    Image.fromarray(frame(0)).save(folder / "a.png")
    Image.fromarray(frame(0, width=90)).save(folder / "b.png")
    with pytest.raises(VideoError, match=r"frame b is 90x64.*frame a is 96x64.*resize"):
        list(read_frames(folder))


def test_truncated_video_is_named(tmp_path):
    path = write_video(tmp_path / "a.mp4", 30)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * 0.6)])
    with pytest.raises(VideoError, match=r"a\.mp4 is"):
        list(read_frames(path))


def test_processes_that_write_one_video_do_not_share_its_part(tmp_path):
    with VideoWriter(tmp_path / "a.mp4") as writer:
        for number in range(60):  # the encoder keeps back some
            writer.write(frame(number % 20))
        (part,) = tmp_path.iterdir()
        assert str(os.getpid()) in part.name
    assert list(tmp_path.iterdir()) == [tmp_path / "a.mp4"]
