"""A synthetic world: moving shapes that know their truth, for tests and the quickstart.

A video is a street seen from the side. Stuff: a sky, a skyline of two classes, a strip and a ground, which slide as the
camera pans. Things stand on the ground and hide each other, nearer ones in front; they enter and leave at the sides,
move by fractions of a pixel and change their size. A class is recognised by colour and shape, an object within its
class by its own hue, brightness and pattern. Some pixels are void, and some videos hold a crowd (thing class, track 0).

Coordinates: x in widths, y in heights of the image, time in frames, so that a world looks the same at any size.
"""

import json
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import tee
from pathlib import Path
from typing import ClassVar

import numpy as np

from .formats import VOID, ClassTable, DatasetFormat, FormatError, SegmentMap
from .formats.disk.files import whole_folder
from .synthetic_scene import Scene
from .synthetic_shapes import drawn_things, paint_shape, shape_of, thing_look

WORLD_FILE = "world.json"  # how a written world was made; also the sign that a folder is one
_CROWD_SIZE = 4


@dataclass(frozen=True)
class Thing:
    """An object and its motion; sizes and places in image heights (y, size) and widths (x), time in frames."""

    class_id: int
    track: int
    born: int
    x: float
    velocity: float
    y: float
    sinking: float
    size: float
    growth: float
    sway: tuple[float, float]
    look: dict

    def is_there(self, frame: int) -> bool:
        """Whether it is drawn at a frame."""
        return frame >= self.born

    def pose(self, frame: int) -> tuple[float, float, float]:
        """(centre x, foot y, height) at a frame."""
        age = frame - self.born
        foot = float(np.clip(self.y + self.sinking * age, 0.5, 1.02))
        height = self.size * np.exp(np.clip(self.growth * age, -0.5, 0.5)) * (0.55 + 0.6 * (foot - 0.5) / 0.5)
        sway = self.sway[0] * np.sin(self.sway[1] * age)
        return self.x + self.velocity * age + sway, foot, float(height)


@dataclass(frozen=True)
class World:
    """A seeded source of videos.

    A video depends on (seed, split, index) alone: neither on how many are made, nor, frame by frame, on its length.

    Attributes:
        classes: Class table of the data set to imitate.
        size: (H, W) in pixels.
        frames: Frames per video.
        seed: Seed of the world.
        difficulty: 0 (clean colours, few slow objects) to 1 (noise, classes of almost one colour, many fast objects).
    """

    classes: ClassTable
    size: tuple[int, int] = (96, 192)
    frames: int = 20
    seed: int = 0
    difficulty: float = 0.25
    kind: ClassVar[str] = "street"

    def __post_init__(self) -> None:
        if not 0 <= self.difficulty <= 1:
            raise ValueError(f"difficulty is {self.difficulty}, must be within 0..1")
        if self.seed < 0:
            raise ValueError(f"seed is {self.seed}, must be 0 or more")
        if min(self.size) < 16 or self.frames < 1:
            raise ValueError(f"size {self.size}, frames {self.frames}: at least 16x16 pixels and one frame are needed")

    def video(self, index: int, split: str = "train") -> Iterator[tuple[np.ndarray, SegmentMap]]:
        """Draw a video.

        Args:
            index: Number of the video within its split, from 0.
            split: Any word; splits have different videos.

        Yields:
            (H, W, 3) uint8 RGB image and its truth, for each frame.
        """
        entropy = (self.seed, zlib.crc32(split.encode()), index)
        scene = self._scene(np.random.default_rng((*entropy, 0)))
        things = self._things(entropy)
        for frame in range(self.frames):
            rng = np.random.default_rng((*entropy, 2, frame))
            yield self._render(scene, things, frame, rng)

    def _scene(self, rng: np.random.Generator) -> Scene:
        """The stuff of a video."""
        return Scene.draw(self.classes, rng, self.difficulty)

    def _things(self, entropy: tuple[int, ...]) -> list[Thing]:
        """Every object of a video, before them the crowd of every other one.

        Each of a few slots holds one object after the other, so their number stays even. The first slots are taken at
        the start, the last ones wait for newcomers.
        """
        ids = drawn_things(self.classes)
        found: list[tuple[int, int, Thing]] = []
        present, newcomers = round(3 + 6 * self.difficulty), 2
        for slot in range(present + newcomers if ids else 0):
            rng = np.random.default_rng((*entropy, 3, slot))
            born = 0 if slot < present else int(rng.integers(1, 10))
            while born < self.frames:
                thing = self._thing(rng, ids[(slot + int(rng.integers(2))) % len(ids)], born)
                if born == 0:  # the easier the world, the more evenly objects are spread at the start
                    even = (slot + rng.uniform(0.25, 0.75)) / present
                    thing = replace(thing, x=self.difficulty * thing.x + (1 - self.difficulty) * even)
                found.append((born, slot, thing))
                gone = (-0.2 - thing.x if thing.velocity < 0 else 1.2 - thing.x) / thing.velocity
                born += max(int(gone), 1) + int(rng.integers(1, 6))
        found.sort(key=lambda entry: entry[:2])
        things = [replace(thing, track=track) for track, (_, _, thing) in enumerate(found, 1)]
        if entropy[-1] % 2 == 0 and things:
            things = self._crowd(np.random.default_rng((*entropy, 1))) + things
        return things

    def _thing(self, rng: np.random.Generator, class_id: int, born: int) -> Thing:
        hard = self.difficulty
        speed = rng.uniform(0.004, 0.014) * (1.8 + 1.2 * hard) * rng.choice((-1, 1))
        shape = shape_of(self.classes, class_id)
        return Thing(
            class_id=class_id,
            track=0,
            born=born,
            x=rng.uniform(0.05, 0.95) if born == 0 else (-0.15 if speed > 0 else 1.15),
            velocity=float(speed),
            y=rng.uniform(0.62, 0.98),
            sinking=rng.uniform(-0.004, 0.004),
            size=shape.size * rng.uniform(0.85, 1.2) * (1.35 - 0.6 * hard),
            growth=rng.uniform(-0.01, 0.01),
            sway=(rng.uniform(0, 0.008), rng.uniform(0.2, 0.5)),
            look=thing_look(self.classes.palette[class_id], rng, hard),
        )

    def _crowd(self, rng: np.random.Generator) -> list[Thing]:
        """A group of small, equal-looking things far away that nobody told apart: track id 0."""
        class_id = drawn_things(self.classes)[0]
        lead = self._thing(rng, class_id, 0)
        spread = [{"x": lead.x + 0.03 * i, "y": 0.55 + 0.005 * (i % 2), "size": 0.25} for i in range(_CROWD_SIZE)]
        still = {"velocity": lead.velocity / 4, "sinking": 0.0, "growth": 0.0}
        return [replace(lead, **still, **place) for place in spread]

    def _render(
        self, scene: Scene, things: list[Thing], frame: int, rng: np.random.Generator
    ) -> tuple[np.ndarray, SegmentMap]:
        height, width = self.size
        image, semantic = scene.paint(self.size, frame)
        track = np.zeros(self.size, np.int32)
        for thing in sorted(things, key=lambda thing: thing.pose(frame)[1]):
            if not thing.is_there(frame):
                continue
            x, foot, size = thing.pose(frame)
            shape = shape_of(self.classes, thing.class_id)
            inside, window = paint_shape(image, shape, (x * width, foot * height), size * height, thing.look)
            semantic[window][inside] = thing.class_id
            track[window][inside] = thing.track
        self._hide_slivers(semantic, track)
        image += rng.normal(0, 3 + 25 * self.difficulty, image.shape)
        scene.blot(image, semantic, track, rng)
        return image.clip(0, 255).astype(np.uint8), SegmentMap(semantic, track)

    def _hide_slivers(self, semantic: np.ndarray, track: np.ndarray) -> None:
        """What is too small to be recognised (an object about to vanish) becomes void, as annotators do."""
        areas = np.bincount(track.ravel())
        sliver = (areas < max(4, track.size // 1500))[track] & (track > 0)
        semantic[sliver], track[sliver] = VOID, 0


def check_target(out: Path, force: bool) -> None:
    """Refuse to write a world over something else.

    Args:
        out: Folder that is to be made.
        force: An older world may be replaced; anything else is refused all the same.

    Raises:
        FormatError: The folder is in the way.
    """
    if out.exists() and not out.is_dir():
        raise FormatError(f"{out}: is a file. Name another folder.")
    for parent in out.absolute().parents:
        if parent.exists() and not parent.is_dir():
            raise FormatError(f"{out}: {parent} is a file, no folder can be made in it. Name another folder.")
    if not out.is_dir() or not any(out.iterdir()):
        return
    if not (out / WORLD_FILE).is_file():
        raise FormatError(f"{out}: is not empty and not a synthetic data set ({WORLD_FILE} is absent). Name another.")
    if not force:
        raise FormatError(f"{out}: holds a synthetic data set already. Name another folder, or replace it by --force.")


def write_world(
    out: Path,
    style: DatasetFormat,
    world: World,
    counts: Mapping[str, int],
    start: int = 0,
    progress: Callable[[int], None] = lambda frames: None,
    frames: Mapping[str, int] | None = None,
) -> None:
    """Write videos of a world in the layout of a data set, under that data set's sequence names.

    The folder appears only once it is complete.

    Args:
        out: Folder to make; replaced when it exists.
        style: Format that writes.
        world: World that draws.
        counts: Videos of each split.
        start: Number of the first frame's file.
        progress: Called with the number of frames written since the last call.
        frames: Frames per video of each split; the world's where a split is not named.
    """
    with whole_folder(out) as part:
        for split, count in counts.items():
            drawer = replace(world, frames=(frames or {}).get(split, world.frames))
            for index, name in enumerate(style.sequence_names(split, count)):
                drawn, again = tee(drawer.video(index, split))
                images, maps = (image for image, _ in drawn), (segments for _, segments in again)
                style.write_video(part, split, name, images, maps, start)
                progress(drawer.frames)
        settings = {
            "format": style.name,
            "kind": world.kind,
            "seed": world.seed,
            "size": world.size,
            "frames": world.frames,
        }
        settings |= {"difficulty": world.difficulty, "start": start, "videos": dict(counts)}
        settings |= {"frames_of_split": dict(frames)} if frames else {}
        (part / WORLD_FILE).write_text(json.dumps(settings, indent=2) + "\n")
