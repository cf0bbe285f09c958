"""YouTube-VIS through the command: golden cases from results.json and from a zip, checks and the self-test."""

import json

import pytest

from tools.evaluate import main
from video_knet.formats.youtube_vis import YouTubeVIS

from .golden import ROOT, close

CASES = sorted(path.stem for path in (ROOT / "ytvis").glob("*.json"))


def write(root, case: str, suffix: str = ".json"):
    content = json.loads((ROOT / "ytvis" / f"{case}.json").read_text())
    gt, results = root / "instances.json", root / "results.json"
    gt.write_text(json.dumps(content["gt"]))
    results.write_text(json.dumps(content["predictions"]))
    style = YouTubeVIS()
    if suffix == ".zip":
        style.write_predictions(root / "results.zip", style.read_predictions(results, style.read_truth(gt)))
    return gt, root / f"results{suffix}", content["runs"][0]["expected"]


@pytest.mark.parametrize("suffix", [".json", ".zip"])
@pytest.mark.parametrize("case", CASES)
def test_golden(case, suffix, tmp_path, capsys):
    gt, pred, expected = write(tmp_path, case, suffix)
    out = tmp_path / "scores.json"
    command = ["--gt", str(gt), "--pred", str(pred), "--json", str(out)]
    assert main(["youtube-vis", *command, "--workers", "2"]) == 0
    shared = json.loads(out.read_text())
    assert main(["youtube-vis-2021", *command]) == 0  # the categories are those of the json
    assert json.loads(out.read_text()) == shared
    for name, value in expected["stats"].items():
        assert shared[name] == close(None if value == -1 else value)
    assert "category" in capsys.readouterr().out


def test_a_prediction_may_be_the_folder_of_a_test(tmp_path, capsys):
    gt, pred, expected = write(tmp_path, "y01_general")
    out = tmp_path / "scores.json"
    assert main(["youtube-vis", "--gt", str(gt), "--pred", str(tmp_path), "--json", str(out)]) == 0
    assert json.loads(out.read_text())["AP"] == close(expected["stats"]["AP"])
    pred.unlink()
    assert main(["youtube-vis", "--gt", str(gt), "--pred", str(tmp_path)]) == 1
    assert str(pred) in capsys.readouterr().err


def test_self_test(tmp_path, capsys):
    gt, _, _ = write(tmp_path, "y01_general")
    out = tmp_path / "self_test.json"
    assert main(["youtube-vis", "--gt", str(gt), "--self-test", "--json", str(out)]) == 0
    results = json.loads(out.read_text())
    assert results["as_is"]["AP"] == results["as_is"]["AR100"] == 1
    assert results["shuffled_ids"]["AP"] < 1
    assert results["class_removed"]["per_class"][results["class_removed"]["removed"]]["AP"] == 0


def test_a_submission_is_checked_against_videos_without_annotations(tmp_path, capsys):
    gt, pred, _ = write(tmp_path, "y01_general", ".zip")
    content = json.loads(gt.read_text())
    del content["annotations"]
    gt.write_text(json.dumps(content))
    assert main(["youtube-vis", "--gt", str(gt), "--pred", str(pred), "--check-only"]) == 0
    assert "no fault found" in capsys.readouterr().out
    assert main(["youtube-vis", "--gt", str(gt), "--pred", str(pred)]) == 1
    assert "has no annotations" in capsys.readouterr().err


def test_every_fault_is_listed(tmp_path, capsys):
    gt, pred, _ = write(tmp_path, "y01_general")
    entries = json.loads(pred.read_text())
    for number, (key, value) in enumerate([("video_id", 99), ("category_id", 99), ("score", 1.5)]):
        entries[number][key] = value
    entries[3]["segmentations"].pop()
    next(mask for mask in entries[4]["segmentations"] if mask)["size"] = [1, 1]
    pred.write_text(json.dumps(entries))
    assert main(["youtube-vis", "--gt", str(gt), "--pred", str(pred), "--check-only"]) == 1
    said = capsys.readouterr().err
    assert all(f"entry {number}" in said for number in range(5))
    assert main(["youtube-vis", "--gt", str(gt), "--pred", str(pred)]) == 1


def test_no_prediction_scores_nothing(tmp_path, caplog):
    gt, pred, _ = write(tmp_path, "y01_general")
    pred.write_text("[]")
    out = tmp_path / "scores.json"
    assert main(["youtube-vis", "--gt", str(gt), "--pred", str(pred), "--json", str(out)]) == 0
    assert json.loads(out.read_text())["AP"] == 0
    assert "holds no predictions" in caplog.text
