"""What is installed, and whether it works: Python, torch, OpenMMLab, and the libraries that decode and count.

Nothing heavy is imported before its probe runs.
"""

import importlib
import re
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

OK, WARNING, FAULT = "ok", "warning", "fault"
PYTHONS = ((3, 11), (3, 12))
_ROOT = Path(__file__).resolve().parents[2]
_REQUIREMENTS = _ROOT / "requirements.txt"
_HOST = {  # our distribution -> import name, and distributions that put other code under that name
    "onedl-mmengine": ("mmengine", ("mmengine", "mmengine-lite")),
    "onedl-mmcv": ("mmcv", ("mmcv", "mmcv-full", "mmcv-lite")),
    "onedl-mmdetection": ("mmdet", ("mmdet",)),
    "onedl-mmsegmentation": ("mmseg", ("mmsegmentation",)),
}
_LIBRARIES = {"numpy": "numpy", "scipy": "scipy", "pillow": "PIL", "pycocotools": "pycocotools.mask", "tqdm": "tqdm"}
_OPENCV = ("opencv-python-headless", "opencv-python", "opencv-contrib-python", "opencv-contrib-python-headless")
INSTALL = "pip install --no-deps -r requirements.txt"


@dataclass(frozen=True)
class Finding:
    """One line of the report.

    Attributes:
        what: What was looked at.
        status: "ok", "warning" or "fault".
        found: What was found.
        remedy: How it is mended; empty where there is nothing to mend.
    """

    what: str
    status: str
    found: str
    remedy: str = ""


def pinned() -> dict[str, str]:
    """Versions that the project is tested with, by distribution."""
    if not _REQUIREMENTS.is_file():
        return {}
    return dict(re.findall(r"^([\w.-]+)==([^\s;]+)", _REQUIREMENTS.read_text(), re.MULTILINE))


def installed(distribution: str) -> str | None:
    """Version of a distribution; None where it is not installed."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def compare(what: str, distribution: str) -> Finding:
    """A distribution's version beside the one that the project is tested with."""
    version, wanted = installed(distribution), pinned().get(distribution)
    if version is None:
        exact = f"=={wanted}" if wanted else ""
        return Finding(what, FAULT, f"{distribution} is not installed", f"pip install --no-deps {distribution}{exact}")
    if wanted and version.split("+")[0] != wanted:
        found = f"{version}, tested with {wanted}"
        return Finding(what, WARNING, found, f"pip install --no-deps {distribution}=={wanted}")
    return Finding(what, OK, version)


def probe_python() -> Iterator[Finding]:
    """The interpreter."""
    found = f"{sys.version.split()[0]} in {sys.prefix}"
    if sys.version_info[:2] in PYTHONS:
        yield Finding("Python", OK, found)
    else:
        names = " or ".join(".".join(map(str, version)) for version in PYTHONS)
        yield Finding("Python", FAULT, f"{found}, needed {names}", "make PYTHON=python3.12 setup")


def probe_torch() -> Iterator[Finding]:
    """Torch on CPU."""
    import torch

    total = (torch.ones(8, 8) @ torch.ones(8, 8)).sum().item()
    if total != 512:
        yield Finding("torch", FAULT, f"{torch.__version__} computes {total} instead of 512", reinstall("torch"))
    else:
        yield compare("torch", "torch")
    importlib.import_module("torchvision")
    yield compare("torchvision", "torchvision")


def probe_host() -> Iterator[Finding]:
    """OpenMMLab's packages: the maintained continuation, and nothing else under the same import names."""
    for ours, (module, others) in _HOST.items():
        rivals = [name for name in others if installed(name)]
        if rivals:
            found = (
                f"{', '.join(rivals)} beside {ours}" if installed(ours) else f"{', '.join(rivals)} instead of {ours}"
            )
            remedy = f"pip uninstall -y {' '.join([*rivals, ours])} && {reinstall(ours)}"
            yield Finding(module, FAULT, f"{found}; both are imported as {module}", remedy)
        else:
            yield compare(module, ours)


def probe_import() -> Iterator[Finding]:
    """The project on its host, and the compiled operators, which it does not need."""
    import knet
    from knet.compiled_ops import ensure_extension

    for module in ("mmdet", "video_knet.models", "video_knet.datasets"):
        importlib.import_module(module)
    yield Finding("Video K-Net", OK, f"imports from {Path(knet.__file__).parents[1]}")
    yield Finding("mmcv operators", OK, "compiled" if ensure_extension() else "placeholder; none is needed")


def probe_libraries() -> Iterator[Finding]:
    """Libraries that decode and count."""
    for distribution, module in _LIBRARIES.items():
        try:
            importlib.import_module(module)
            yield compare(distribution, distribution)
        except Exception as error:  # one that is broken must not hide the others
            yield Finding(distribution, FAULT, f"{type(error).__name__}: {error}", reinstall(distribution))


def probe_opencv() -> Iterator[Finding]:
    """OpenCV, of which there must be one wheel."""
    wheels = [name for name in _OPENCV if installed(name)]
    wanted = f"{_OPENCV[0]}=={pinned().get(_OPENCV[0], '')}".removesuffix("==")
    mend = f"pip uninstall -y {' '.join(wheels)} && pip install --no-deps {wanted}" if wheels else INSTALL
    if len(wheels) > 1:
        found = f"{len(wheels)} wheels write into one folder: {', '.join(wheels)}"
        yield Finding("OpenCV", FAULT, found, mend)
        return
    import cv2
    import numpy as np

    cv2.resize(np.zeros((4, 4, 3), np.uint8), (8, 8))
    if wheels and wheels[0] != _OPENCV[0]:
        yield Finding("OpenCV", WARNING, f"{wheels[0]} needs GL and X11, which servers lack", mend)
    else:
        yield compare("OpenCV", _OPENCV[0])


def probe_video() -> Iterator[Finding]:
    """H.264 is written and read back, as overlay videos need it; no ffmpeg program is asked for."""
    import numpy as np

    from video_knet.apis.video_io import VideoWriter, read_frames

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "probe.mp4"
        with VideoWriter(path) as writer:
            for value in (40, 200):
                writer.write(np.full((64, 64, 3), value, np.uint8))
        means = [float(image.mean()) for _, image in read_frames(path)]
    if len(means) == 2 and abs(means[0] - 40) < 10 and abs(means[1] - 200) < 10:
        finding = compare("H.264 video", "av")
        yield Finding(finding.what, finding.status, f"written and read back; av {finding.found}", finding.remedy)
    else:
        yield Finding("H.264 video", FAULT, f"frames of 40 and 200 come back as {means}", reinstall("av"))


def reinstall(distribution: str) -> str:
    """The command that installs a distribution anew, at the version that the project is tested with."""
    version = pinned().get(distribution)
    return f"pip install --force-reinstall --no-deps {distribution}{f'=={version}' if version else ''}"
