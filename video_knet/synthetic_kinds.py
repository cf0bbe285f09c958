"""The kinds of synthetic worlds by name."""

from .synthetic import World
from .synthetic_appearance import AppearanceWorld
from .synthetic_flicker import FlickeringWorld

WORLDS: dict[str, type[World]] = {world.kind: world for world in (World, AppearanceWorld, FlickeringWorld)}


def get_world(kind: str) -> type[World]:
    """The world of a kind.

    Raises:
        ValueError: There is no such kind.
    """
    if kind not in WORLDS:
        raise ValueError(f"kind of world {kind!r} is unknown; choose from {', '.join(WORLDS)}")
    return WORLDS[kind]
