"""mmcv with and without its compiled operators. All other tests train and predict with what is installed."""

import importlib.util
import sys
from importlib.machinery import ModuleSpec
from types import ModuleType

import mmcv
import pytest
import torch

from knet.compiled_ops import EXTENSION, CompiledOpMissingError, PlaceholderExtension, ensure_extension


@pytest.fixture
def before_import(monkeypatch):
    """As if nothing had asked for the extension yet; what is installed comes back afterwards."""
    monkeypatch.setattr(mmcv, "_ext", mmcv._ext)
    monkeypatch.setitem(sys.modules, EXTENSION, sys.modules[EXTENSION])
    del sys.modules[EXTENSION]


def test_without_the_extension_a_placeholder_takes_its_place(before_import, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert ensure_extension() is False
    placeholder = importlib.import_module(EXTENSION)
    assert isinstance(placeholder, PlaceholderExtension)
    assert mmcv._ext is placeholder
    assert callable(placeholder.deform_conv_forward)  # what mmcv.ops asks for when it is imported
    assert ensure_extension() is False  # a second time changes nothing
    assert importlib.import_module(EXTENSION) is placeholder


def test_an_operator_that_is_called_says_what_is_missing():
    op = PlaceholderExtension(EXTENSION).ms_deform_attn_forward
    with pytest.raises(CompiledOpMissingError, match=r"'ms_deform_attn_forward' was called.*MMCV_WITH_OPS=1"):
        op(torch.zeros(1), im2col_step=64)


def test_the_placeholder_has_no_special_attributes():
    placeholder = PlaceholderExtension(EXTENSION)
    assert not hasattr(placeholder, "__path__")  # not a package
    assert not hasattr(placeholder, "__file__")


def test_an_installed_extension_is_used(before_import, monkeypatch, tmp_path):
    (tmp_path / "_ext.py").write_text("def nms(*args):\n    return 'compiled'\n")
    monkeypatch.setattr(mmcv, "__path__", [*mmcv.__path__, str(tmp_path)])
    importlib.invalidate_caches()
    assert ensure_extension() is True
    assert importlib.import_module(EXTENSION).nms() == "compiled"
    assert ensure_extension() is True


def test_a_loaded_extension_is_left_alone(before_import, monkeypatch):
    loaded = ModuleType(EXTENSION)
    loaded.__spec__ = ModuleSpec(EXTENSION, None)
    monkeypatch.setitem(sys.modules, EXTENSION, loaded)
    assert ensure_extension() is True
    assert sys.modules[EXTENSION] is loaded


@pytest.mark.skipif(not isinstance(sys.modules[EXTENSION], PlaceholderExtension), reason="mmcv is compiled here")
def test_the_operators_of_the_host_with_the_placeholder():
    """In this process, where everything else trains and predicts: they import, and calling says which is missing."""
    from mmcv.ops import nms, roi_align

    boxes = torch.tensor([[0.0, 0.0, 4.0, 4.0]])
    with pytest.raises(CompiledOpMissingError, match="'nms' was called"):
        nms(boxes, torch.ones(1), 0.5)
    with pytest.raises(CompiledOpMissingError, match="'roi_align_forward' was called"):
        roi_align(torch.zeros(1, 1, 4, 4), torch.zeros(1, 5), 2)
