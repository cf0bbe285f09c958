"""Lets `mmdet` be imported where mmcv was installed without its compiled operators.

`import mmdet` imports `mmcv.ops`, which fails when the extension module `mmcv._ext` is missing. K-Net and Video K-Net
call none of its operators, so a placeholder takes its place: importing works, calling says what is missing.
"""

import importlib.util
import sys
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import NoReturn

EXTENSION = "mmcv._ext"


class CompiledOpMissingError(RuntimeError):
    """An operator of mmcv was called that only its compiled build has."""


class PlaceholderExtension(ModuleType):
    """Stands in for `mmcv._ext`: has every operator by name, and none that can be called."""

    def __getattr__(self, name: str) -> Callable[..., NoReturn]:
        if name.startswith("__"):
            raise AttributeError(name)

        def missing_op(*args: object, **kwargs: object) -> NoReturn:
            raise CompiledOpMissingError(
                f"the compiled mmcv operator '{name}' was called, but mmcv is installed without compiled operators. "
                "Video K-Net itself needs none of them. To build them (a C++ compiler, for CUDA nvcc, and about half "
                "an hour): MMCV_WITH_OPS=1 .venv/bin/uv pip install --no-build-isolation --no-binary onedl-mmcv "
                "--reinstall-package onedl-mmcv onedl-mmcv"
            )

        missing_op.__name__ = name
        return missing_op


def ensure_extension() -> bool:
    """Make `mmcv._ext` importable; returns whether it is the compiled one."""
    if EXTENSION not in sys.modules and importlib.util.find_spec(EXTENSION) is None:
        import mmcv

        placeholder = PlaceholderExtension(EXTENSION, "Placeholder for mmcv's compiled operators.")
        placeholder.__spec__ = ModuleSpec(EXTENSION, None)  # mmengine asks importlib for it
        sys.modules[EXTENSION] = placeholder
        mmcv._ext = placeholder
    return not isinstance(sys.modules.get(EXTENSION), PlaceholderExtension)


def avoid_compiled_paths() -> None:
    """Where mmcv can choose between a compiled operator and PyTorch, it must choose PyTorch, on CUDA too.

    Only deformable attention is concerned: mmcv would call the operator wherever there is CUDA.
    """
    from mmcv.ops import multi_scale_deform_attn

    multi_scale_deform_attn.IS_CUDA_AVAILABLE = False
