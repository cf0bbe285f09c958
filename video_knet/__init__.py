"""Video K-Net. Imports nothing on purpose: `video_knet.formats` and `video_knet.evaluation` load in a moment."""
