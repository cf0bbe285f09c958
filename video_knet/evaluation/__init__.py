"""Metrics of video segmentation as numpy cores on one contingency table per frame, and the way from files to numbers.

Numpy and PIL only. Every core has `update(video, table)`, `close(video)`, `merge(other)` and `result()`.
"""

from .contingency import Table, contingency
from .panoptic import PanopticEvaluator
from .stq import STQ, STQResult
from .vpq import VPQ, VPQResult

__all__ = ["STQ", "VPQ", "PanopticEvaluator", "STQResult", "Table", "VPQResult", "contingency"]
