"""Videos in and out: frames of a file or a folder, and H.264 files that play in a browser. One frame in memory."""

import os
import weakref
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from types import TracebackType

import av
import numpy as np
from av.video.reformatter import Colorspace
from PIL import Image, UnidentifiedImageError

from video_knet.formats.base import FormatError
from video_knet.formats.disk.files import part_of

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".webp")
BT709 = 1  # number of the colour space in the H.264 standard


class VideoError(FormatError):
    """A video cannot be read or written; the message names the file, what was found, and the remedy."""


class FrameSource:
    """The frames of a video file or of a folder of images, read one at a time; may be iterated more than once.

    Attributes:
        path: Where the frames come from.
        name: Name of the video: the stem of the file, or the name of the folder.
        length: Number of frames; None where a video file does not say.
        fps: Frames per second; None for a folder.
    """

    path: Path
    name: str
    length: int | None = None
    fps: float | None = None

    def __iter__(self) -> Iterator[tuple[str, np.ndarray]]:
        """Yield the name of each frame and its (H, W, 3) uint8 RGB image."""
        first = None
        for name, image in self._frames():
            first = first or (name, image.shape)
            if image.shape != first[1]:
                raise VideoError(
                    f"{self.path}: frame {name} is {_size(image.shape)}, but frame {first[0]} is {_size(first[1])}; "
                    "frames of one video must be of one size: resize them, or pass each part on its own"
                )
            yield name, image

    def _frames(self) -> Iterator[tuple[str, np.ndarray]]:
        raise NotImplementedError


class VideoFile(FrameSource):
    """Frames of a video file; their names are their positions, six digits from 000000.

    Raises:
        VideoError: The file is no video, or has no pictures in it.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.name = path, path.stem
        with self._open() as container:
            stream = container.streams.video[0]
            self.fps = float(stream.average_rate) if stream.average_rate else None
            self.length = stream.frames or None

    def _open(self) -> av.container.InputContainer:
        try:
            container = av.open(str(self.path))
        except (av.FFmpegError, ValueError) as error:
            raise VideoError(
                f"{self.path} is not a video that can be decoded ({error}); give an MP4, MKV, AVI or WebM file, or a "
                "folder of images"
            ) from error
        if not container.streams.video:
            container.close()
            raise VideoError(
                f"{self.path} holds no pictures, only {len(container.streams)} other streams; give a video"
            )
        return container

    def _frames(self) -> Iterator[tuple[str, np.ndarray]]:
        with self._open() as container:
            container.streams.video[0].thread_type = "AUTO"
            try:
                for index, frame in enumerate(container.decode(video=0)):
                    image = frame.to_ndarray(format="rgb24")  # (H, W, 3)
                    yield f"{index:06d}", np.ascontiguousarray(np.rot90(image, _quarter_turns(frame)))
            except av.FFmpegError as error:
                raise VideoError(
                    f"{self.path} is damaged ({error}); convert it anew or cut the damaged part"
                ) from error


class FrameFolder(FrameSource):
    """Images of a folder in the order of their names; a frame is called by the stem of its file.

    Raises:
        VideoError: The folder holds no images.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.name = path, path.resolve().name
        self.files = sorted(f for f in path.iterdir() if f.suffix.lower() in IMAGE_SUFFIXES and f.is_file())
        if not self.files:
            raise VideoError(
                f"{path} holds no images ({' '.join(IMAGE_SUFFIXES)}); give the folder of the frames itself"
            )
        self.length = len(self.files)

    def _frames(self) -> Iterator[tuple[str, np.ndarray]]:
        for file in self.files:
            yield file.stem, read_image(file)


def read_frames(path: str | Path) -> FrameSource:
    """Open a video file or a folder of images.

    Args:
        path: The file or folder.

    Returns:
        An iterable over (name, (H, W, 3) uint8 RGB) that also knows its name, length and frames per second.

    Raises:
        VideoError: Nothing is there, or it is neither a video nor a folder of images. While iterating: a file cannot
            be decoded, or frames differ in size.
    """
    path = Path(path)
    if path.is_dir():
        return FrameFolder(path)
    if not path.exists():
        raise VideoError(f"{path} does not exist; give a video file or a folder of frames (png, jpg)")
    return VideoFile(path)


def read_image(path: str | Path) -> np.ndarray:
    """Read an image file as (H, W, 3) uint8 RGB.

    Raises:
        VideoError: The file is missing or cannot be decoded.
    """
    try:
        with Image.open(path) as image:
            return np.array(image.convert("RGB"))
    except FileNotFoundError as error:
        raise VideoError(f"{path} does not exist; complete the data, or leave the frame out") from error
    except (UnidentifiedImageError, OSError, SyntaxError) as error:
        raise VideoError(f"{path} cannot be decoded as an image ({error}); fetch or write it anew") from error


class VideoWriter:
    """Writes frames as H.264 in MP4 (yuv420p, BT.709, index at the front), as a context manager.

    The file appears under its name when it is complete; after an error in the `with` block nothing is left.
    Odd sizes are padded by one pixel at the right or bottom.

    Args:
        path: The file to write; its folder is made.
        fps: Frames per second.
        crf: Quality, 0 (lossless) to 51; 18 to 23 is visually good.

    Raises:
        VideoError: In `write`, a frame is no uint8 RGB image or of another size than the first; in `close`, there was
            none.
    """

    def __init__(self, path: str | Path, fps: float = 10.0, crf: int = 20) -> None:
        if not fps > 0:
            raise VideoError(f"{path}: fps is {fps}, but must be greater than 0")
        self.path, self.fps, self.crf = Path(path), fps, crf
        self.length = 0
        self._partial = part_of(self.path)
        weakref.finalize(self, self._partial.unlink, missing_ok=True)  # also where nobody closes
        self._container: av.container.OutputContainer | None = None
        self._shape: tuple[int, ...] = ()

    def write(self, image: np.ndarray) -> None:
        """Append a frame, (H, W, 3) uint8 RGB."""
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
            raise VideoError(f"{self.path}: a frame is {image.dtype} {image.shape}, but must be uint8 (H, W, 3)")
        if self._container is None:
            self._open(image.shape)
        if image.shape != self._shape:
            raise VideoError(
                f"{self.path}: frame {self.length} is {_size(image.shape)}, but the video is {_size(self._shape)}; "
                "frames of one video must be of one size"
            )
        padded = np.pad(image, ((0, image.shape[0] % 2), (0, image.shape[1] % 2), (0, 0)), mode="edge")
        frame = av.VideoFrame.from_ndarray(padded, format="rgb24")
        frame = frame.reformat(format="yuv420p", dst_colorspace=Colorspace.ITU709)
        self._container.mux(self._stream.encode(frame))
        self.length += 1

    def close(self) -> None:
        """Finish the file and give it its name."""
        if self._container is None:
            raise VideoError(f"{self.path}: no frame was written; a video needs at least one")
        self._container.mux(self._stream.encode())
        self._container.close()
        self._container = None
        os.replace(self._partial, self.path)

    def discard(self) -> None:
        """Throw away what was written so far."""
        if self._container is not None:
            self._container.close()
            self._container = None
        self._partial.unlink(missing_ok=True)

    def __enter__(self) -> "VideoWriter":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None):
        self.discard() if kind else self.close()

    def _open(self, shape: tuple[int, ...]) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._shape = shape
        self._container = av.open(str(self._partial), "w", format="mp4", options={"movflags": "+faststart"})
        rate = Fraction(self.fps).limit_denominator(1001)
        stream = self._container.add_stream("libx264", rate=rate, options={"crf": str(self.crf), "preset": "veryfast"})
        stream.height, stream.width = (n + n % 2 for n in shape[:2])
        stream.pix_fmt = "yuv420p"
        context = stream.codec_context
        context.colorspace = context.color_primaries = context.color_trc = BT709
        context.thread_count = 2
        self._stream = stream


def _quarter_turns(frame: av.VideoFrame) -> int:
    """Turns by 90 degrees, anticlockwise, that bring a frame of a phone upright."""
    return round(frame.rotation / 90) % 4


def _size(shape: tuple[int, ...]) -> str:
    return f"{shape[1]}x{shape[0]} pixels (width x height)"
