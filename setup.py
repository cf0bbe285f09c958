"""Installs the packages; `requirements.txt` holds the pinned environment they are tested in."""

from pathlib import Path

from setuptools import find_packages, setup

setup(
    name="video-knet",
    version="0.1.0",
    description="Video K-Net: one design for video panoptic, semantic and instance segmentation",
    long_description=Path(__file__).with_name("README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    packages=find_packages(include=["knet", "knet.*", "video_knet", "video_knet.*"]),
    python_requires=">=3.11,<3.13",
    install_requires=[
        "torch>=2.6",
        "torchvision>=0.21",
        "onedl-mmengine>=0.10.12",
        "onedl-mmcv>=2.3.6",
        "onedl-mmdetection>=3.5.1",
        "onedl-mmsegmentation>=1.4.2",
        "numpy>=2.0",
        "scipy",
        "pillow",
        "pycocotools",
        "av",
        "tqdm",
    ],
)
