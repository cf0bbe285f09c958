"""The decoder: S stages that refine kernels; those in `link_stages` may look at the kernels of the previous frame.

B batch*frames, N kernels, C channels, P = h*w pixels.
"""

from dataclasses import dataclass

from mmdet.registry import MODELS
from mmdet.utils import ConfigType
from mmengine.model import BaseModule, ModuleDict, ModuleList
from torch import Tensor

from knet.segments import InitialSegments, Segments


@dataclass
class DecoderOutput:
    """What all stages predict.

    Attributes:
        stages: One entry per stage, the last is the result.
        linked: (B, N, C) kernels of the last stage linked to the previous frame; None where nothing was linked there.
    """

    stages: list[Segments]
    linked: Tensor | None = None

    @property
    def last(self) -> Segments:
        """The result of the last stage."""
        return self.stages[-1]

    @property
    def association_kernels(self) -> Tensor:
        """(B, N, C) the kernels that say which object is which: linked ones where there are any."""
        return self.last.kernels if self.linked is None else self.linked


@MODELS.register_module()
class KernelDecoder(BaseModule):
    """Runs the stages.

    Args:
        stage: Config of one stage; each stage has its own weights.
        num_stages: Number of stages S.
        kernel_fusion: Config of a module (kernels, previous kernels, group features) -> kernels that runs before a
            stage; None fuses nothing.
        kernel_linking: The same for a module that runs on the output of a stage; None links nothing.
        link_stages: Stages, from 0, that see the previous frame's kernels (Table 7d of the paper).
    """

    def __init__(
        self,
        stage: ConfigType,
        num_stages: int = 3,
        kernel_fusion: ConfigType | None = None,
        kernel_linking: ConfigType | None = None,
        link_stages: tuple[int, ...] = (),
    ) -> None:
        super().__init__()
        for index in link_stages:
            if not 0 <= index < num_stages:
                raise ValueError(
                    f"link_stages={tuple(link_stages)}: stage {index} does not exist, the decoder has stages 0 to "
                    f"{num_stages - 1}"
                )
        # The host's containers hand `init_weights` on to what they hold; torch's do not.
        self.stages = ModuleList(MODELS.build(stage) for _ in range(num_stages))
        self.kernel_fusion, self.kernel_linking = ModuleDict(), ModuleDict()
        for index in map(str, link_stages):
            if kernel_fusion is not None:
                self.kernel_fusion[index] = MODELS.build(kernel_fusion)
            if kernel_linking is not None:
                self.kernel_linking[index] = MODELS.build(kernel_linking)

    @property
    def uses_previous(self) -> bool:
        """Whether any stage reads kernels of the previous frame."""
        return len(self.kernel_fusion) + len(self.kernel_linking) > 0

    def forward(self, initial: InitialSegments, previous: Tensor | None = None) -> DecoderOutput:
        """Refine the initial kernels.

        Args:
            initial: Output of the kernel head.
            previous: (B, N, C) output kernels of the previous frame; None for a first frame.

        Returns:
            The segments of every stage.
        """
        return self.late_stages(initial, self.early_stages(initial), previous)

    def early_stages(self, initial: InitialSegments) -> list[Segments]:
        """The stages before the first that sees previous kernels. Frames of all times may be in one batch."""
        first = min(map(int, [*self.kernel_fusion, *self.kernel_linking]), default=len(self.stages))
        return self._run(initial, [], first, None).stages

    def late_stages(
        self, initial: InitialSegments, early: list[Segments], previous: Tensor | None = None
    ) -> DecoderOutput:
        """The other stages, from the output of `early_stages` for the same frames."""
        return self._run(initial, early, len(self.stages), previous)

    def _run(self, initial: InitialSegments, done: list[Segments], end: int, previous: Tensor | None) -> DecoderOutput:
        """Run the stages from the first that is not done up to `end`."""
        features = initial.features.flatten(2)  # (B, C, P)
        grid = initial.features.shape[2:]
        output = DecoderOutput(list(done))
        before = output.last if done else initial.segments
        kernels, mask_logits = before.kernels, before.mask_logits.flatten(2)  # (B, N, P)
        for index in range(len(done), end):
            stage = self.stages[index]
            group_features = stage.assemble(mask_logits, features)  # (B, N, C)
            kernels = self._attend(self.kernel_fusion, index, kernels, previous, group_features)
            kernels = stage.refine(group_features, kernels)
            mask_logits = stage.segment(kernels, features)  # (B, N, P)
            output.stages.append(Segments(kernels, mask_logits.unflatten(2, grid), stage.classify(kernels)))
            linked = self._attend(self.kernel_linking, index, kernels, previous, group_features)
            if index < len(self.stages) - 1:
                kernels = linked
            elif linked is not kernels:
                output.linked = linked
        return output

    @staticmethod
    def _attend(
        modules: ModuleDict, index: int, kernels: Tensor, previous: Tensor | None, group_features: Tensor
    ) -> Tensor:
        """The module of this stage, where there is one and a previous frame; else the kernels as they are."""
        if previous is None or str(index) not in modules:
            return kernels
        return modules[str(index)](kernels, previous, group_features)
