"""`tools/doctor.py`: broken installations give a line with the command that mends them, never a traceback."""

import builtins
import json
import shutil
import sys
from collections import namedtuple
from importlib import metadata

import pytest
import torch

from tools.doctor import main
from video_knet.apis import environment, installation
from video_knet.apis.environment import PROBES, data_roots, examine, format_findings
from video_knet.apis.installation import FAULT, OK, WARNING, Finding
from video_knet.apis.threads import threads_asked_for

Usage = namedtuple("Usage", "total used free")


def only(name: str) -> list[Finding]:
    return examine({name: PROBES[name]})


def states(name: str) -> dict[str, str]:
    return {finding.what: finding.status for finding in only(name)}


@pytest.fixture
def distributions(monkeypatch):
    """Versions of the distributions that count as installed; the real ones where the test does not say."""
    found: dict[str, str | None] = {}
    version = metadata.version

    def fake(name: str) -> str:
        value = found.get(name, "real")
        if value is None:
            raise metadata.PackageNotFoundError(name)
        return version(name) if value == "real" else value

    monkeypatch.setattr(metadata, "version", fake)
    return found


def refuse_import(monkeypatch, module: str, error: Exception) -> None:
    """A module that cannot be imported, as after a broken installation."""
    real = builtins.__import__

    def fake(name, *args, **kwargs):
        if name.split(".")[0] == module:
            raise error
        return real(name, *args, **kwargs)

    for name in [name for name in sys.modules if name.split(".")[0] == module]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(builtins, "__import__", fake)


def test_this_machine_is_examined(capsys):
    assert main(["--json"]) in (0, 1)
    findings = {line["what"]: line for line in json.loads(capsys.readouterr().out)}
    for what in ("Python", "torch", "mmdet", "Video K-Net", "mmcv operators", "OpenCV", "H.264 video"):
        assert findings[what]["status"] == OK, findings[what]
    assert all(line["remedy"] for line in findings.values() if line["status"] != OK)


def test_text_names_the_remedy(monkeypatch, capsys):
    findings = [Finding("a", OK, "fine"), Finding("disk", FAULT, "full", "free some")]
    monkeypatch.setattr(environment, "PROBES", {"x": lambda: iter(findings)})
    assert main([]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "ok       a     fine",
        "fault    disk  full",
        "               -> free some",
    ]
    assert format_findings([]) == ""


@pytest.mark.parametrize(
    "error", [OSError("libcudart.so.13: cannot open shared object"), ImportError("x"), SystemExit()]
)
def test_a_broken_torch_is_a_line(monkeypatch, error):
    def fail():
        raise error
        yield

    (finding,) = examine({"torch": fail})
    assert (finding.what, finding.status) == ("torch", FAULT)
    assert str(error) in finding.found
    assert "requirements.txt" in finding.remedy


def test_a_library_that_cannot_be_imported(monkeypatch):
    def fail(name):
        if name == "scipy":
            raise ImportError("libgfortran.so.5")

    monkeypatch.setattr(installation.importlib, "import_module", fail)
    assert states("libraries")["scipy"] == FAULT
    assert list(states("libraries").values()).count(OK) == 4
    refuse_import(monkeypatch, "cv2", ImportError("libGL.so.1: cannot open shared object file"))
    (finding,) = only("OpenCV")
    assert (finding.status, "libGL.so.1" in finding.found) == (FAULT, True)


def test_python_version(monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 9, 1))
    (finding,) = only("Python")
    assert (finding.status, finding.remedy) == (FAULT, "make PYTHON=python3.12 setup")


def test_both_flavours_of_openmmlab(distributions):
    distributions["mmcv"] = "2.1.0"
    distributions.update({"onedl-mmdetection": None, "mmdet": "3.3.0"})
    distributions["onedl-mmsegmentation"] = None
    distributions["onedl-mmengine"] = "0.10.1"
    findings = {finding.what: finding for finding in only("OpenMMLab")}
    assert {what: finding.status for what, finding in findings.items()} == {
        "mmengine": WARNING, "mmcv": FAULT, "mmdet": FAULT, "mmseg": FAULT,
    }  # fmt: skip
    assert "mmcv beside onedl-mmcv" in findings["mmcv"].found
    assert "pip uninstall -y mmcv onedl-mmcv" in findings["mmcv"].remedy
    assert "mmdet instead of onedl-mmdetection" in findings["mmdet"].found
    assert "not installed" in findings["mmseg"].found
    assert "0.10.1, tested with" in findings["mmengine"].found


def test_doubled_opencv(distributions):
    distributions["opencv-python"] = "4.9.0"
    (finding,) = only("OpenCV")
    assert finding.status == FAULT
    assert "pip uninstall -y opencv-python-headless opencv-python &&" in finding.remedy
    distributions["opencv-python-headless"] = None
    (finding,) = only("OpenCV")
    assert (finding.status, "GL" in finding.found) == (WARNING, True)


def test_cuda(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(environment, "_driver", lambda: None)
    assert states("CUDA") == {"CUDA": WARNING}
    monkeypatch.setattr(environment, "_driver", lambda: "470.1")
    assert states("CUDA") == {"CUDA": FAULT}
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert states("CUDA") == {"CUDA": WARNING}


def test_a_device_that_cannot_compute(monkeypatch):
    def ones(*args, device="cpu"):
        raise RuntimeError("CUDA error: no kernel image is available\nmore")

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda index: "Old GPU")
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda index: (3, 5))
    properties = namedtuple("Properties", "total_memory")(8 << 30)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda index: properties)
    monkeypatch.setattr(torch, "ones", ones)
    _, finding = only("CUDA")
    assert finding.status == FAULT
    assert "Old GPU, 8 GiB, capability 3.5; computing fails: CUDA error: no kernel image is available" in finding.found


def test_a_codec_that_is_missing(monkeypatch):
    from video_knet.apis import video_io

    def write(self, image):
        raise ValueError("libx264 is not known")

    monkeypatch.setattr(video_io.VideoWriter, "write", write)
    (finding,) = only("H.264 video")
    assert (finding.status, "libx264" in finding.found) == (FAULT, True)


def test_disk_and_shared_memory(monkeypatch, tmp_path):
    for free, status in ((1 << 20, FAULT), (5 << 30, WARNING), (100 << 30, OK)):
        monkeypatch.setattr(shutil, "disk_usage", lambda path, free=free: Usage(free, 0, free))
        assert set(states("disk").values()) == {status}
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(64 << 20, 0, 0))
    (finding,) = environment.probe_shared_memory(tmp_path)
    assert (finding.status, "--shm-size" in finding.remedy) == (WARNING, True)
    (finding,) = environment.probe_shared_memory(tmp_path / "none")
    assert finding.status == WARNING


@pytest.mark.parametrize(("threads", "status"), [("", OK), ("1", OK), ("4000", WARNING), ("many", WARNING)])
def test_threads(monkeypatch, threads, status):
    monkeypatch.setenv("OMP_NUM_THREADS", threads)
    assert states("threads") == {"threads": status}


def test_threads_that_are_asked_for(monkeypatch):
    for said, number in (("", None), ("3", 3), ("4,2", 4)):
        monkeypatch.setenv("OMP_NUM_THREADS", said)
        assert threads_asked_for() == number
    monkeypatch.setenv("OMP_NUM_THREADS", "many")
    with pytest.raises(ValueError, match="OMP_NUM_THREADS is 'many', but must be a number of threads"):
        threads_asked_for()


def test_data_roots(monkeypatch, tmp_path):
    assert data_roots()["KITTI_STEP_ROOT"] == "data/kitti_step"
    monkeypatch.chdir(tmp_path)
    for variable in data_roots():
        monkeypatch.delenv(variable, raising=False)
    assert states("datasets") == {"datasets": WARNING}
    (tmp_path / "data/kitti_step").mkdir(parents=True)
    assert states("datasets") == {"KITTI_STEP_ROOT": OK}
    monkeypatch.setenv("KITTI_STEP_ROOT", str(tmp_path / "gone"))
    assert states("datasets") == {"KITTI_STEP_ROOT": FAULT, "datasets": WARNING}
