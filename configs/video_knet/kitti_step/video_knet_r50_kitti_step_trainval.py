"""Video K-Net, ResNet-50, KITTI-STEP, trained on train and val: for the test server (Table 2, test).

The predictions of the test split, ready to be packed for the server:
    tools/dist_test.sh configs/video_knet/kitti_step/video_knet_r50_kitti_step_trainval.py CHECKPOINT 8 --out DIR

Command:   tools/dist_train.sh configs/video_knet/kitti_step/video_knet_r50_kitti_step_trainval.py 8
Start:     `configs/knet/knet_r50_cityscapes_step.py`, `--cfg-options load_from=FILE`
Expected:  not measured; validation sees frames that were trained on, so the last checkpoint counts
"""

_base_ = ["./video_knet_r50_kitti_step.py"]

train_dataloader = dict(dataset=dict(split="trainval"))
test_dataloader = dict(dataset=dict(split="test"))
default_hooks = dict(checkpoint=dict(save_best=None))
train_cfg = dict(val_interval=12)
