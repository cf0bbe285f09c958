"""The synthetic world of the quickstarts, and how it is loaded; the child config says in which format it is written."""

world = dict(
    size=(96, 192),
    seed=0,
    difficulty=0.0,
    videos=dict(train=48, val=6, test=1),
    frames=dict(train=12, val=20, test=20),
)
# Small images load faster than a process of its own hands them over.
in_process = dict(num_workers=0, persistent_workers=False)
