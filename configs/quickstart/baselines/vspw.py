"""The baseline of the quickstart on VSPW: the network alone, every frame by itself, on the same frames.

Command:   make quickstart DATASET=vspw
Expected:  mVC_8 about 35 and mIoU about 50; Video K-Net 76 and 62
"""

_base_ = ["../vspw.py"]

model = dict(decoder=None, kernel_linking=None, kernel_fusion=None)
