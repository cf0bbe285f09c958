"""VIPSeg (Miao et al., CVPR 2022): raw 16-bit masks, and panoptic json with a PNG of ids for each frame.

    ROOT/images/VIDEO/FRAME.jpg                   images; `imgs` in the first download
    ROOT/panomasks/VIDEO/FRAME.png                raw masks (raw.py); those of test are not read
    ROOT/{train,val,test}.txt                     videos of a split, one name a line
    DIR/panoptic_gt_VIPSeg_SPLIT.json             what the raw masks are converted to: lists of segments,
    DIR/panomasksRGB/VIDEO/FRAME.png              ids
    PRED/pred.json, PRED/pan_pred/VIDEO/FRAME.png a prediction

Datasets read the raw masks; the evaluator reads either. Copies at 720p have the same tree.
"""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from ..base import FormatError, Frame, SegmentMap, Video, collect_faults
from ..coding.id_maps import IdMap, ListedFrame, categories_json, segments_json, write_ids
from ..coding.id_tracks import to_segment_map
from ..coding.track_numbers import TrackNumbers
from ..dataset_format import DatasetFormat, Published
from ..disk.folders import IMAGES, first_folder, list_stems, subfolders
from ..disk.images import write_jpeg
from ..disk.json_files import write_json
from ..disk.pairing import pair_names
from ..disk.png import read_png, write_png
from ..disk.splits import add_to_split, check_new_video, read_split
from .classes import VIPSEG_CLASSES
from .json import listed_prediction, listed_truth, predicted_frame
from .raw import RawFrame, decode_raw, encode_raw, raw_numbers

VideoFrames = dict[str, dict[str, ListedFrame | RawFrame]]
_IMAGE_FOLDERS = ("images", "imgs")
_LAYOUT_REMEDY = "Give the folder that holds images/, panomasks/ and the split files."


class Vipseg(DatasetFormat):
    """The VIPSeg format.

    A split is a word, whose text file lies in the root, above it, or in the `VIPSeg` beside it (where a 720p copy is
    made from), or the path of such a file. Masks are expected unless the file is named test.txt.

    Attributes:
        name: Name of the format.
        classes: 124 classes, 58 of them things; ids as in the json files.
    """

    name = "vipseg"
    classes = VIPSEG_CLASSES
    published = {"train": Published(2806), "val": Published(343), "test": Published(387)}
    layout = {
        "{images,imgs}/VIDEO/FRAME.jpg": "images",
        "panomasks/VIDEO/FRAME.png": "raw masks of train and val",
        "SPLIT.txt": "videos of a split",
    }

    def videos(self, root: str | Path, split: str) -> list[Video]:
        """List the videos of a split by name, and check that every image has its mask and the other way round.

        Raises:
            FormatError: A folder or file is missing or misnamed; all faults, `partial` holds the other videos.
        """
        root, split_file = Path(root), _split_file(Path(root), str(split))
        images = first_folder(root / name for name in _IMAGE_FOLDERS)
        if images is None:
            raise FormatError(f"{root / _IMAGE_FOLDERS[0]}: no such folder, nor {_IMAGE_FOLDERS[1]}/. {_LAYOUT_REMEDY}")
        videos, faults = [], []
        for name in sorted(read_split(split_file)):
            with collect_faults(faults):
                if not (images / name).is_dir():
                    raise FormatError(
                        f"{images / name}: no such folder, but {split_file} names the video {name!r}. Download the "
                        "video, or remove its line."
                    )
                masks = None if split_file.stem == "test" else root / "panomasks" / name
                videos.append(_video(images / name, masks))
        if faults:
            raise FormatError(*faults, partial=videos)
        return videos

    def read(self, label: RawFrame | ListedFrame | str | Path) -> SegmentMap:
        """Read the labels of a frame: track = object + 1, so that ids are those of one class; 0 is stuff or a crowd.

        Args:
            label: A raw mask or its path, or an entry of a json, whose ids are the tracks.

        Raises:
            FormatError: The PNG is missing or damaged, or holds a value that is no class.
        """
        if isinstance(label, ListedFrame):
            return to_segment_map(label.read(), self.classes)
        path = Path(getattr(label, "path", label))
        return decode_raw(read_png(path, "grey"), path)

    def write(self, path: str | Path, segments: SegmentMap, numbers: TrackNumbers | None = None) -> None:
        """Write a raw mask, whole or not at all.

        Args:
            path: The PNG.
            segments: Labels of a frame.
            numbers: Objects of the video so far (`raw_numbers`); without it only this frame's are numbered.

        Raises:
            FormatError: A class that the dataset does not have, or more than 100 objects of one class.
        """
        write_png(Path(path), encode_raw(segments, numbers or raw_numbers(), path))

    def sequence_names(self, split: str, count: int) -> list[str]:
        """`count` video names of a split, in order, that no other split and no published video has."""
        first = {"train": 10000, "val": 20000, "test": 30000}[split]
        return [f"{first + i}_synthetic" for i in range(count)]

    def write_video(
        self,
        root: str | Path,
        split: str,
        name: str,
        images: Iterable[np.ndarray],
        maps: Iterable[SegmentMap | None],
        start: int = 0,
    ) -> None:
        """Write a video with raw masks, then its name into the split file unless it is there.

        Tracks 1 to 100 are read back as they are; others as another number of their class, one for each.

        Args:
            root: Root of the data set.
            split: "train", "val", or "test", which gets no masks.
            name: Name of the video's folder.
            images: (H, W, 3) uint8 RGB, one per frame.
            maps: Labels, one per frame; ignored for test.
            start: Number of the first file.
        """
        check_new_video(split, self.published, name, start)
        root, split_file, numbers = Path(root), Path(root) / f"{split}.txt", raw_numbers()
        for number, (image, segments) in enumerate(zip(images, maps, strict=True), start):
            write_jpeg(root / "images" / name / f"{number:08d}.jpg", image)
            if split != "test":
                self.write(root / "panomasks" / name / f"{number:08d}.png", segments, numbers)
        add_to_split(split_file, name)

    def read_predicted(self, folder: str | Path, video: str, frame: str) -> SegmentMap:
        """Read a frame of a folder with `pred.json` and `pan_pred/`.

        Raises:
            FormatError: A file is missing or damaged, or `pred.json` does not list the frame.
        """
        return to_segment_map(predicted_frame(Path(folder), video, frame).read(), self.classes)

    def truth(self, path: Path, split: Path | None = None) -> VideoFrames:
        """Frames of each video.

        Args:
            path: `panoptic_gt_VIPSeg_*.json` with `panomasksRGB` beside it, or the root with the raw masks.
            split: Text file of video names; by default `val.txt` of a root, and all videos of a json.

        Raises:
            FormatError: Files are missing or damaged.
        """
        return listed_truth(path) if path.is_file() or path.suffix == ".json" else self._raw_truth(path, split)

    def prediction(self, root: Path, truth: VideoFrames) -> VideoFrames:
        """The prediction of each frame: videos by `video_id`, the frames of a video by position.

        Raises:
            FormatError: `pred.json` is missing or damaged, or a video has another number of frames than the truth.
        """
        return listed_prediction(root, truth)

    def write_frame(self, root: Path, video: str, name: str, frame: IdMap) -> dict:
        """Write the PNG of a prediction; returns its entry of the video's annotations."""
        write_ids(root / "pan_pred" / video / f"{name}.png", frame.ids)
        return {"file_name": f"{name}.png", "image_id": name, "segments_info": segments_json(frame.segments)}

    def write_list(self, root: Path, videos: dict[str, list[dict]]) -> None:
        """Write `pred.json`: the entries of each video's frames, in order."""
        annotations = [{"video_id": video, "annotations": entries} for video, entries in videos.items()]
        write_json(root / "pred.json", {"annotations": annotations})

    def write_truth(self, path: Path, videos: dict[str, dict[str, IdMap]]) -> None:
        """Write a ground truth json, and `panomasksRGB` beside it.

        Args:
            path: The json.
            videos: Frames of each video by file stem.
        """
        listed, annotations = [], []
        for video, frames in videos.items():
            images, entries = [], []
            for name, frame in frames.items():
                height, width = frame.ids.shape
                write_ids(path.parent / "panomasksRGB" / video / f"{name}.png", frame.ids)
                images.append({"id": name, "file_name": f"{name}.jpg", "height": height, "width": width})
                segments = segments_json(frame.segments)
                entries.append({"image_id": name, "file_name": f"{name}.png", "segments_info": segments})
            listed.append({"video_id": video, "images": images})
            annotations.append({"video_id": video, "annotations": entries})
        write_json(path, {"videos": listed, "annotations": annotations, "categories": categories_json(self.classes)})

    def _raw_truth(self, root: Path, split: Path | None) -> VideoFrames:
        masks = root / "panomasks" if (root / "panomasks").is_dir() else root
        if not masks.is_dir():
            raise FormatError(f"{root}: no such folder. Give panoptic_gt_VIPSeg_*.json, or the root with panomasks/.")
        default = next((f / "val.txt" for f in (root, masks.parent) if (f / "val.txt").is_file()), None)
        split = split or default
        names = read_split(split) if split else [path.name for path in subfolders(masks)]
        videos, faults = {}, []
        for name in names:
            with collect_faults(faults):
                if not (masks / name).is_dir():
                    raise FormatError(
                        f"{masks / name}: no such folder, but {split} names the video. Download its masks."
                    )
                files = list_stems(masks / name, (".png",))
                videos[name] = {stem: RawFrame(path) for stem, path in files.items()}
        if faults:
            raise FormatError(*faults, partial=videos)
        if not videos:
            raise FormatError(f"{masks}: holds no video (VIDEO/FRAME.png). Give the root with panomasks/.")
        return videos


def _split_file(root: Path, split: str) -> Path:
    if not root.is_dir():
        raise FormatError(f"{root}: no such folder. {_LAYOUT_REMEDY}")
    if split.endswith(".txt"):
        places = [Path(split), root / split]
    else:
        above = root.absolute().parent
        places = [folder / f"{split}.txt" for folder in (root, above, above / "VIPSeg")]
    found = next((path for path in places if path.is_file()), None)
    if found is None:
        others = "".join(f", nor {path}" for path in dict.fromkeys(places[1:]))
        raise FormatError(f"{places[0]}: no such file{others}, for split {split!r}. {_LAYOUT_REMEDY}")
    return found


def _video(folder: Path, mask_folder: Path | None) -> Video:
    """A video from the folders of its images and of its masks, if it has any."""
    images = list_stems(folder, IMAGES)
    if mask_folder is None:
        return Video(folder.name, tuple(Frame(stem, path) for stem, path in images.items()))
    masks = list_stems(mask_folder, (".png",))
    faults: list[str] = []
    stems = pair_names(
        images, masks, lambda stem: folder / f"{stem}.jpg", lambda stem: mask_folder / f"{stem}.png", faults
    )
    if faults:
        raise FormatError(*faults)
    return Video(folder.name, tuple(Frame(stem, images[stem], RawFrame(masks[stem])) for stem in stems))
