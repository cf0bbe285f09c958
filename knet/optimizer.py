"""Which parameters an optimiser takes together."""

from mmengine.optim import DefaultOptimWrapperConstructor
from mmengine.registry import OPTIM_WRAPPER_CONSTRUCTORS
from torch import nn


@OPTIM_WRAPPER_CONSTRUCTORS.register_module()
class SharedSettingsConstructor(DefaultOptimWrapperConstructor):
    """The host's constructor with one group for all parameters that share their settings.

    With settings by name the host makes a group for each parameter, and an optimiser goes from group to group: hundreds
    of small steps in place of one or two large ones. The values are the same.
    """

    def add_params(
        self, params: list[dict], module: nn.Module, prefix: str = "", is_dcn_module: int | float | None = None
    ) -> None:
        """Add the groups of a module and of those in it; see the host."""
        super().add_params(params, module, prefix, is_dcn_module)
        if not prefix:  # the model itself, so that no more will follow
            params[:] = with_shared_settings(params)


def with_shared_settings(groups: list[dict]) -> list[dict]:
    """Groups of equal settings joined, in the order of the first of each."""
    joined: dict[str, dict] = {}
    for group in groups:
        settings = {name: value for name, value in group.items() if name != "params"}
        key = repr(sorted(settings.items()))
        joined.setdefault(key, {"params": [], **settings})["params"].extend(group["params"])
    return list(joined.values())
