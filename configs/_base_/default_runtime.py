"""What every run shares: modules to register, hooks, logging."""

default_scope = "mmdet"
custom_imports = dict(
    imports=[
        "knet",
        "video_knet.models",
        "video_knet.datasets",
        "video_knet.metrics",
        "video_knet.track_metric",
        "video_knet.own_metric",
        "video_knet.instance_metric",
        "video_knet.image_metrics",
        "video_knet.hooks",
    ],
    allow_failed_imports=False,
)

default_hooks = dict(
    timer=dict(type="IterTimerHook"),
    logger=dict(type="LoggerHook", interval=50),
    param_scheduler=dict(type="ParamSchedulerHook"),
    checkpoint=dict(type="CheckpointHook", interval=1, max_keep_ckpts=3),
    sampler_seed=dict(type="DistSamplerSeedHook"),
)
custom_hooks = [
    dict(type="EpochSeedHook"),
    dict(type="PlainCheckpointHook"),
    dict(type="MetricsFileHook"),
]
env_cfg = dict(cudnn_benchmark=False, mp_cfg=dict(mp_start_method="fork", opencv_num_threads=0))
log_processor = dict(type="LogProcessor", window_size=50, by_epoch=True)
log_level = "INFO"
randomness = dict(seed=0)
load_from = None
resume = False
