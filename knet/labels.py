"""Which of a model's labels are things, which are stuff, and what a dataset calls them."""

from dataclasses import dataclass

from mmdet.registry import TASK_UTILS

VOID = 255


@TASK_UTILS.register_module()
@dataclass(frozen=True)
class LabelSpace:
    """Network labels: things are 0..num_things-1, stuff follows.

    Attributes:
        num_things: Classes whose objects are told apart.
        num_stuff: Classes without objects. Each has a kernel of its own.
        ids: Dataset id of each label; by default label and id are the same.
    """

    num_things: int
    num_stuff: int = 0
    ids: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        if self.ids is not None and len(self.ids) != self.num_classes:
            raise ValueError(
                f"label space: {len(self.ids)} dataset ids were given for {self.num_things} things and "
                f"{self.num_stuff} stuff classes; give one id per class, things first"
            )

    @property
    def num_classes(self) -> int:
        """Things and stuff together."""
        return self.num_things + self.num_stuff

    @property
    def dataset_ids(self) -> tuple[int, ...]:
        """Dataset id of each label."""
        return tuple(self.ids) if self.ids is not None else tuple(range(self.num_classes))
