"""Table 7b, "Ours + Mask-Emb": embeddings of the kernel and of the features under its mask are added.

Command:   tools/dist_train.sh configs/ablations/kernel_and_mask_embedding.py 8
Expected:  AQ 70.3, STQ 70.8 (the paper's; not measured here at this size)
"""

_base_ = ["{{$ABLATION_BASE:../video_knet/kitti_step/video_knet_r50_kitti_step.py}}"]

model = dict(track_head=dict(embed=dict(type="KernelAndMaskEmbedding")))
