"""What this machine has to train with: each probe gives lines that say what was found and how it is mended.

A broken installation must give a line, not a traceback: nothing heavy is imported before its probe runs.
"""

import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from video_knet.apis.installation import (
    FAULT,
    INSTALL,
    OK,
    WARNING,
    Finding,
    probe_host,
    probe_import,
    probe_libraries,
    probe_opencv,
    probe_python,
    probe_torch,
    probe_video,
    reinstall,
)
from video_knet.apis.threads import threads_asked_for
from video_knet.parallel import count_cores

GIB = 1 << 30
WANTED_DISK, WANTED_SHM = 20 * GIB, 1 * GIB  # below: a warning; a disk with less than 1 GiB is a fault
_ROOT = Path(__file__).resolve().parents[2]
_DATA_ROOT = re.compile(r"\{\{\$(\w+_ROOT):([^}]+)\}\}")
Probe = Callable[[], Iterator[Finding]]


def examine(probes: dict[str, Probe] | None = None) -> list[Finding]:
    """Run probes; one that breaks is a fault of what it looks at.

    Args:
        probes: By what they look at; all of them by default.
    """
    findings: list[Finding] = []
    for what, probe in (PROBES if probes is None else probes).items():
        try:
            findings += probe()
        except (Exception, SystemExit) as error:
            text = " ".join(str(error).split())[:300]
            findings.append(Finding(what, FAULT, f"{type(error).__name__}: {text}", INSTALL))
    return findings


def format_findings(findings: list[Finding]) -> str:
    """The findings as aligned lines, remedies below."""
    width = max((len(finding.what) for finding in findings), default=0)
    lines = []
    for finding in findings:
        lines.append(f"{finding.status:8} {finding.what:{width}}  {finding.found}")
        if finding.remedy:
            lines.append(f"{'':8} {'':{width}}  -> {finding.remedy}")
    return "\n".join(lines)


def probe_cuda() -> Iterator[Finding]:
    """Driver and devices; each does a tensor operation."""
    import torch

    driver = _driver()
    if not torch.cuda.is_available():
        if driver and os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1"):
            yield Finding("CUDA", WARNING, f"driver {driver}, devices are hidden", "unset CUDA_VISIBLE_DEVICES")
        elif driver and torch.version.cuda:
            found = f"driver {driver}, but torch (CUDA {torch.version.cuda}) finds no device"
            yield Finding("CUDA", FAULT, found, "update the driver, check CUDA_VISIBLE_DEVICES, or restart the machine")
        elif driver:
            yield Finding("CUDA", FAULT, f"driver {driver}, but torch is built for CPU only", reinstall("torch"))
        else:
            yield Finding("CUDA", WARNING, "no device: training takes a CPU, which is for trials", "use a GPU machine")
        return
    yield Finding("CUDA", OK, f"{torch.version.cuda}, driver {driver or 'unknown'}")
    for index in range(torch.cuda.device_count()):
        what = f"GPU {index}"
        name, memory = torch.cuda.get_device_name(index), torch.cuda.get_device_properties(index).total_memory
        found = (
            f"{name}, {memory / GIB:.0f} GiB, capability {'.'.join(map(str, torch.cuda.get_device_capability(index)))}"
        )
        try:
            torch.ones(8, device=f"cuda:{index}").sum().item()
            yield Finding(what, OK, found)
        except RuntimeError as error:
            remedy = "install a torch that is built for this device, or choose another by CUDA_VISIBLE_DEVICES"
            yield Finding(what, FAULT, f"{found}; computing fails: {str(error).splitlines()[0]}", remedy)


def _driver() -> str | None:
    """Version of the NVIDIA driver; None where there is none."""
    path = Path("/proc/driver/nvidia/version")
    if not path.is_file():
        return None
    match = re.search(r"\s(\d+\.\d+(?:\.\d+)?)\s", path.read_text(errors="replace"))
    return match[1] if match else "unknown"


def probe_disk() -> Iterator[Finding]:
    """Free space where runs are written and data lie."""
    for name in ("work_dirs", "data"):
        place = next(folder for folder in (Path(name).absolute(), *Path(name).absolute().parents) if folder.is_dir())
        free = shutil.disk_usage(place).free
        status = FAULT if free < GIB else WARNING if free < WANTED_DISK else OK
        remedy = "" if status == OK else f"free some space, or link {name} to a larger disk: ln -s /DISK/{name} {name}"
        yield Finding(f"disk of {name}", status, f"{free / GIB:.1f} GiB free", remedy)


def probe_shared_memory(path: Path = Path("/dev/shm")) -> Iterator[Finding]:
    """Shared memory, by which workers hand over their batches."""
    if not path.is_dir():
        yield Finding("shared memory", WARNING, f"there is no {path}", "set num_workers=0 if loading data fails")
        return
    total = shutil.disk_usage(path).total
    status = OK if total >= WANTED_SHM else WARNING
    remedy = "" if status == OK else "mount -o remount,size=8G /dev/shm; in a container: docker run --shm-size=8g"
    yield Finding("shared memory", status, f"{total / GIB:.1f} GiB in {path}", remedy)


def probe_threads() -> Iterator[Finding]:
    """Cores of this process, and threads of the numeric libraries."""
    cores, threads = count_cores(), os.environ.get("OMP_NUM_THREADS", "")
    found = f"{cores} cores, OMP_NUM_THREADS {threads or 'not set: half of the cores are taken'}"
    try:
        fits = (threads_asked_for() or 1) <= cores
    except ValueError:
        fits = False
    if not fits:
        yield Finding("threads", WARNING, found, f"export OMP_NUM_THREADS={max(1, cores // 2)}")
    else:
        yield Finding("threads", OK, found)


def probe_data() -> Iterator[Finding]:
    """Datasets that the configs would find: by environment variables, or below data/."""
    places = data_roots()
    present = 0
    for variable, default in sorted(places.items()):
        root = Path(os.environ.get(variable) or default)
        if root.is_dir():
            present += 1
            yield Finding(variable, OK, str(root.absolute()))
        elif os.environ.get(variable):
            yield Finding(variable, FAULT, f"{root} is no folder", f"export {variable}=FOLDER, or unset {variable}")
    if not present:
        found = f"none of {len(places)} is there; the quickstart needs none"
        yield Finding("datasets", WARNING, found, "see data/README.md, then tools/check_dataset.py DATASET PATH")


def data_roots(configs: Path = _ROOT / "configs") -> dict[str, str]:
    """Folder of each dataset by default, by the environment variable that the configs read first."""
    texts = (path.read_text(encoding="utf-8") for path in sorted(configs.glob("_base_/datasets/*.py")))
    return dict(match for text in texts for match in _DATA_ROOT.findall(text))


PROBES: dict[str, Probe] = {
    "Python": probe_python,
    "torch": probe_torch,
    "CUDA": probe_cuda,
    "OpenMMLab": probe_host,
    "Video K-Net": probe_import,
    "libraries": probe_libraries,
    "OpenCV": probe_opencv,
    "H.264 video": probe_video,
    "disk": probe_disk,
    "shared memory": probe_shared_memory,
    "threads": probe_threads,
    "datasets": probe_data,
}
