"""Overrides of a config from a command line, read after parsing so that `--help` need not import the host."""

from collections.abc import Iterable
from typing import Any


def parse_options(options: Iterable[str]) -> dict[str, Any]:
    """Turn KEY=VALUE texts into overrides, by the rules of mmengine's `DictAction`.

    Args:
        options: Such as "train_cfg.max_epochs=2" or "data.scale=(96,192)".

    Returns:
        Values by dotted name.

    Raises:
        ValueError: An option has no "=", or brackets do not match.
    """
    from mmengine.config import DictAction

    values = {}
    for option in options:
        key, equals, text = option.partition("=")
        if not (key and equals):
            raise ValueError(f"config option {option!r} must be KEY=VALUE, e.g. train_cfg.max_epochs=2")
        try:
            values[key] = DictAction._parse_iterable(text)
        except AssertionError as error:
            raise ValueError(f"config option {option!r}: brackets do not match") from error
    return values
