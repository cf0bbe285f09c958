"""The files of YouTube-VIS: what is written is read back, and each fault is named with its place and remedy."""

import copy
import json
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pycocotools import mask as coco_mask

from tests.formats.common import change
from video_knet.formats import FormatError
from video_knet.formats.coding.rle import MaskError, decode_mask, decode_runs, encode_masks
from video_knet.formats.coding.tracks import PredictedTrack, TrackTruth, VideoEntry, by_video, true_track
from video_knet.formats.youtube_vis import YouTubeVIS
from video_knet.formats.youtube_vis.format import NAMES

STYLE = YouTubeVIS()
SIZE = (9, 7)


def draw(frames: int, seed: int = 0) -> np.ndarray:
    """(T, H, W) bool; the object is not seen in the first frame."""
    masks = np.random.default_rng(seed).random((frames, *SIZE)) < 0.5
    masks[0] = False
    return masks


@pytest.fixture
def truth() -> TrackTruth:
    videos = {}
    for i, frames in ((3, 2), (1, 3)):
        names = tuple(f"folder{i}/{t * 5:05d}.jpg" for t in range(frames))
        videos[i] = VideoEntry(i, f"folder{i}", SIZE[1], SIZE[0], frames, names)
    tracks = (
        true_track(videos[3], 2, draw(2)),
        true_track(videos[1], 1, draw(3, 1), crowd=True, number=2),
        true_track(videos[1], 2, draw(3, 2), number=3),
    )
    return TrackTruth(videos, {1: "cat", 2: "dog"}, tracks)


@pytest.fixture
def predictions(truth) -> list[PredictedTrack]:
    return [PredictedTrack(t.video_id, t.category_id, 0.25 * t.id, t.segmentations) for t in truth.tracks]


@pytest.fixture
def files(truth, predictions, tmp_path) -> dict[str, Path]:
    found = {name: tmp_path / f"{name}.json" for name in ("truth", "results")}
    STYLE.write_truth(found["truth"], truth)
    STYLE.write_predictions(found["results"], predictions)
    return found


def test_classes():
    for year, names in NAMES.items():
        classes = YouTubeVIS(year).classes
        assert classes.names == names
        assert len(set(names)) == len(set(classes.palette)) == 40
        assert classes.thing_ids == tuple(range(40))
        assert all(0 <= value < 256 for colour in classes.palette for value in colour)
    assert (NAMES[2019][0], NAMES[2019][39], NAMES[2021][0], NAMES[2021][39]) == (
        "person",
        "tennis_racket",
        "airplane",
        "zebra",
    )
    with pytest.raises(FormatError, match="of 2020 is not known; use one of: 2019, 2021"):
        YouTubeVIS(2020)


def test_truth_is_read_back(truth, files):
    assert STYLE.read_truth(files["truth"]) == truth
    videos = STYLE.read_videos(files["truth"])
    assert (videos.videos, videos.categories, videos.tracks) == (truth.videos, truth.categories, ())
    assert [len(tracks) for tracks in by_video(truth.tracks).values()] == [1, 2]


def test_truth_is_coded_as_the_real_files(truth, files):
    data = json.loads(files["truth"].read_text())
    assert [video["id"] for video in data["videos"]] == [1, 3]
    assert [a["id"] for a in data["annotations"]] == [1, 2, 3]
    for entry, track in zip(data["annotations"], truth.tracks):
        assert entry["segmentations"][0] is entry["bboxes"][0] is entry["areas"][0] is None
        for rle, box, area, mask in zip(*(entry[k] for k in ("segmentations", "bboxes", "areas")), track.segmentations):
            if rle is None:
                continue
            pixels = decode_mask(mask)
            values = np.repeat(np.arange(len(rle["counts"])) % 2, rle["counts"])
            assert (values.reshape(SIZE, order="F") == pixels).all()
            assert all(rle["counts"][1:])  # runs of no pixels occur only at the front
            rows, columns = np.nonzero(pixels)
            assert box == [columns.min(), rows.min(), np.ptp(columns) + 1, np.ptp(rows) + 1]
            assert area == pixels.sum()


def test_annotations_are_numbered_from_one(truth, files):
    STYLE.write_truth(files["truth"], replace(truth, tracks=tuple(replace(t, id=0) for t in truth.tracks)))
    assert [track.id for track in STYLE.read_truth(files["truth"]).tracks] == [1, 2, 3]


@pytest.mark.parametrize("name", ["results.json", "upload.zip"])
def test_predictions_are_read_back(truth, predictions, tmp_path, name):
    STYLE.write_predictions(tmp_path / "new" / name, iter(predictions))
    assert STYLE.read_predictions(tmp_path / "new" / name, truth) == predictions
    assert list(STYLE.prediction_faults(tmp_path / "new" / name, truth)) == []
    assert [path.name for path in (tmp_path / "new").iterdir()] == [name]


def test_zip_with_one_folder(truth, predictions, files, tmp_path):
    with zipfile.ZipFile(tmp_path / "upload", "w") as archive:
        archive.write(files["results"], "folder/results.json")
        archive.writestr("__MACOSX/results.json", "")
    assert STYLE.read_predictions(tmp_path / "upload", truth) == predictions


def test_no_predictions_are_legal(truth, tmp_path, caplog):
    STYLE.write_predictions(tmp_path / "results.json", [])
    with caplog.at_level("WARNING"):
        assert STYLE.read_predictions(tmp_path / "results.json", truth) == []
    assert "holds no predictions; every score will be 0" in caplog.text


def test_failed_writing_leaves_what_was_there(predictions, tmp_path):
    for name in ("results.json", "results.zip"):
        STYLE.write_predictions(tmp_path / name, predictions)
        before = (tmp_path / name).read_bytes()
        with pytest.raises(FormatError, match=r"entry 3: score is 1.5, not a number in \[0, 1\]"):
            STYLE.write_predictions(tmp_path / name, [*predictions, replace(predictions[0], score=1.5)])
        assert (tmp_path / name).read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["results.json", "results.zip"]
    with pytest.raises(FormatError, match=r"ends in '\.txt'"):
        STYLE.write_predictions(tmp_path / "results.txt", predictions)


@pytest.mark.parametrize("size", [(1, 1), (5, 3), (64, 90), (200, 1000)])
def test_runs_equal_the_reference_decoder(size):
    rng = np.random.default_rng(0)
    noise = rng.random((6, *size)) < rng.random((6, 1, 1))
    blocks = np.zeros((6, *size), bool)  # long runs: numbers of three characters and more
    for mask in blocks:
        mask[:, rng.integers(size[1]) :] = True
    masks = np.concatenate([noise, blocks, np.zeros((1, *size), bool), np.ones((1, *size), bool)])
    rles = coco_mask.encode(np.asfortranarray(np.moveaxis(masks, 0, -1).astype(np.uint8)))
    lists = [coco_mask.decode(rle).ravel(order="F") for rle in rles]
    for flat, rle in zip(lists[::2], rles[::2]):  # every other one as a list of lengths
        rle["counts"] = np.diff([0, *np.flatnonzero(np.diff(flat, prepend=0)), flat.size]).tolist()
    runs = decode_runs([None, *rles, None], size)
    assert runs.areas().tolist() == [0, *masks.sum((1, 2)), 0]
    for m, mask in enumerate(masks, 1):
        flat = np.zeros(mask.size, bool)
        for begin, end in runs.part(m, m + 1).edges.T:
            flat[begin:end] = True
        assert (flat.reshape(size, order="F") == mask).all()
        assert (decode_mask(rles[m - 1]) == mask).all()


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        ("", "counts are empty"),
        ("0\n", "not the text of an RLE"),
        ("é", "not the text of an RLE"),
        ("oo", "not the text of an RLE"),  # each character says that more bits follow
        ("ooooooo0", "not the text of an RLE"),
        ("00", "add up to 0 pixels, the mask has 63"),
        ("O", "a run of -1 pixels"),
        ("oo0", r"a run of 1023 pixels, outside 0\.\.63"),
        ([], "not lengths"),
        ([60, 2], "not lengths from 0 with the sum 63"),
        ([64, -1], "not lengths"),
        ([31.5, 31.5], "not lengths"),
        ([[63], [1, 2]], "not lengths"),
        (None, "not lengths"),
    ],
)
def test_what_is_no_mask_is_named(counts, message):
    good = encode_masks(draw(3))[1]
    for place in range(3):
        masks = [good, None, good, good]
        masks.insert(place, {"size": list(SIZE), "counts": counts})
        with pytest.raises(MaskError, match=rf"mask {place}: .*{message}"):
            decode_runs(masks, SIZE)


RESULT_FAULTS = {
    "unknown video": (
        lambda d: d[1].update(video_id=2),
        r"entry 1: video_id 2 is not among the 2 ids of the truth \(1..3\)",
    ),
    "text as id": (lambda d: d[1].update(video_id="1"), "entry 1: video_id '1' is not among"),
    "unknown category": (lambda d: d[0].update(category_id=0), "entry 0: category_id 0 is not among"),
    "missing key": (lambda d: d[0].pop("score"), "entry 0: has no score. Write all of video_id, category_id, score"),
    "no entry": (lambda d: d.append(7), "entry 3: is '7', not an object"),
    "short": (lambda d: d[1]["segmentations"].pop(), "entry 1: has 2 segmentations, but video 1 has 3 frames"),
    "long": (lambda d: d[1]["segmentations"].append(None), "entry 1: has 4 segmentations, but video 1 has 3 frames"),
    "no list": (lambda d: d[1].update(segmentations={}), "entry 1: segmentations are a dict, not a list"),
    "size": (
        lambda d: d[1]["segmentations"][2].update(size=[7, 9]),
        r"entry 1, frame 2: mask has size \[7, 9\] \(H, W\), its video \[9, 7\]",
    ),
    "no mask": (lambda d: d[1]["segmentations"].__setitem__(1, [1, 2]), r"entry 1, frame 1: '\[1, 2\]' is no mask"),
    "undecodable": (
        lambda d: d[1]["segmentations"][1].update(counts="00"),
        "entry 1, frame 1: cannot be decoded, counts add up to 0 pixels",
    ),
    "score": (lambda d: d[2].update(score=1.01), r"entry 2: score is 1.01, not a number in \[0, 1\]"),
    "negative score": (lambda d: d[2].update(score=-1), "entry 2: score is -1, not"),
    "no number": (lambda d: d[2].update(score=float("nan")), "entry 2: score is nan, not"),
    "null": (lambda d: d[2].update(score=None), "entry 2: score is None, not"),
    "true": (lambda d: d[2].update(score=True), "entry 2: score is True, not"),
}


@pytest.mark.parametrize("name", RESULT_FAULTS)
def test_fault_in_predictions(truth, files, name):
    edit, message = RESULT_FAULTS[name]
    change(files["results"], edit)
    with pytest.raises(FormatError, match=rf"results\.json: {message}"):
        STYLE.read_predictions(files["results"], truth)
    assert len(list(STYLE.prediction_faults(files["results"], truth))) == 1


def test_all_faults_are_yielded_and_20_are_raised(truth, files):
    def spoil(data: list) -> None:
        data[:] = [copy.deepcopy(data[1]) for _ in range(15)]
        for entry in data:
            entry["score"] = 2
            for rle in entry["segmentations"][1:]:
                rle["counts"] = "00"

    change(files["results"], spoil)
    faults = list(STYLE.prediction_faults(files["results"], truth))
    assert len(faults) == len(set(faults)) == 15 * 3
    with pytest.raises(FormatError) as error:
        STYLE.read_predictions(files["results"], truth)
    assert error.value.faults == tuple(faults)
    assert [line.strip() for line in str(error.value).split("\n")] == [*faults[:20], "... and 25 more"]


def test_faults_of_one_entry_are_all_yielded(truth, files):
    change(files["results"], lambda d: d.__setitem__(0, {"video_id": 9, "score": "high", "segmentations": [None]}))
    faults = " ".join(STYLE.prediction_faults(files["results"], truth))
    for message in ("has no category_id", "score is 'high'", "video_id 9"):
        assert message in faults


TRUTH_FAULTS = {
    "id 0": (lambda d: d["annotations"][0].update(id=0), "annotation entry 0: id is 0, not a whole number from 1"),
    "same id": (lambda d: d["annotations"][2].update(id=1), "annotation entry 2: id 1 is there twice. Number from 1"),
    "same video": (lambda d: d["videos"][1].update(id=1), "video entry 1: id 1 is there twice"),
    "same folder": (
        lambda d: d["videos"][1].update(file_names=["folder1/0.jpg", "folder1/1.jpg"]),
        "video entry 1: folder 'folder1' belongs to another video",
    ),
    "length": (lambda d: d["videos"][0].update(length=4), "video entry 0: length is 4, but file_names are not that"),
    "width": (lambda d: d["videos"][0].update(width=0), "video entry 0: width is 0, not"),
    "video key": (lambda d: d["videos"][0].pop("height"), "video entry 0: has no height"),
    "category": (lambda d: d["categories"][1].update(id=1), "category entry 1: id 1 is there twice"),
    "category name": (lambda d: d["categories"][1].update(name="cat"), "category entry 1: name 'cat' is no text, or"),
    "category key": (lambda d: d["categories"][1].pop("name"), "category entry 1: has no name"),
    "annotation key": (lambda d: d["annotations"][0].pop("segmentations"), "annotation entry 0: has no segmentations"),
    "unknown video": (lambda d: d["annotations"][0].update(video_id=5), "annotation entry 0: video_id 5 is not"),
    "unknown category": (lambda d: d["annotations"][0].update(category_id=5), "annotation entry 0: category_id 5 is"),
    "crowd": (lambda d: d["annotations"][0].update(iscrowd=2), "annotation entry 0: iscrowd is 2, not 0 or 1"),
    "areas": (lambda d: d["annotations"][0]["areas"].pop(), "annotation entry 0: areas are not one for each"),
    "area": (lambda d: d["annotations"][0].update(areas=[None, -1]), "annotation entry 0: area -1 is no number from 0"),
    "counts": (
        lambda d: d["annotations"][0]["segmentations"][1].update(counts=[60, 2]),
        "annotation entry 0, frame 1: cannot be decoded, counts are not lengths from 0 with the sum 63",
    ),
    "annotations": (lambda d: d.update(annotations={"a": 1}), "annotations are a dict, not a list"),
    "videos": (lambda d: d.pop("videos"), "has no list 'videos'"),
    "categories": (lambda d: d.update(categories=None), "has no list 'categories'"),
    "unannotated": (lambda d: d.pop("annotations"), "has no annotations, as the public validation .* a part of train"),
    "null": (lambda d: d.update(annotations=None), "has no annotations, as the public validation"),
}


@pytest.mark.parametrize("name", TRUTH_FAULTS)
def test_fault_in_truth(files, name):
    edit, message = TRUTH_FAULTS[name]
    change(files["truth"], edit)
    with pytest.raises(FormatError, match=rf"truth\.json: {message}"):
        STYLE.read_truth(files["truth"])


def test_videos_without_annotations_are_enough_to_check_predictions(files):
    change(files["truth"], lambda d: d.pop("annotations"))
    assert list(STYLE.prediction_faults(files["results"], STYLE.read_videos(files["truth"]))) == []


def test_file_that_is_no_json_or_zip(truth, predictions, files, tmp_path):
    def fault(path: Path) -> str:
        (message,) = STYLE.prediction_faults(path, truth)
        with pytest.raises(FormatError) as error:
            STYLE.read_predictions(path, truth)
        assert str(error.value) == message
        assert message.startswith(str(path))
        return message

    assert "cannot be read (No such file" in fault(tmp_path / "absent.json")
    assert "cannot be read (Is a directory)" in fault(tmp_path)
    content = files["results"].read_bytes()
    for spoiled in (content[:-9], b"", b"\xff\xfe", b"[" * 100000):
        files["results"].write_bytes(spoiled)
        assert "is no valid json" in fault(files["results"])
    files["results"].write_text("{}")
    assert "is a dict, not a list of predictions" in fault(files["results"])
    upload = tmp_path / "upload.zip"
    STYLE.write_predictions(upload, predictions)
    content = upload.read_bytes()
    for spoiled in (content[:-30], content[: len(content) // 2], b"", content[:60] + b"\0" * 20 + content[80:]):
        upload.write_bytes(spoiled)
        assert "is no whole zip" in fault(upload)
    for names in ([], ["a.json"], ["a/b/results.json"], ["a/results.json", "results.json"]):
        with zipfile.ZipFile(upload, "w") as archive:
            for name in names:
                archive.writestr(name, "[]")
        assert f"holds {0 if len(names) < 2 else 2} files results.json" in fault(upload)
    with pytest.raises(FormatError, match="is a list, not an object with videos"):
        files["results"].write_text("[]") and STYLE.read_truth(files["results"])
