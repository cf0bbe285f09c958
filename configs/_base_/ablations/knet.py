"""What the row "K-Net" of Table 1 leaves out of Video K-Net, on any dataset."""

knet = dict(kernel_linking=None, kernel_fusion=None, track_head=None)
