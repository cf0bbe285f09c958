"""The baseline of the quickstart on VSPW: the network alone, every frame by itself, on the same frames.

Command:   make quickstart DATASET=vspw
Expected:  see docs/results.md
"""

_base_ = ["../vspw.py"]

model = dict(decoder=None, kernel_linking=None, kernel_fusion=None)
