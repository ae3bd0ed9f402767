"""The demo's worlds. Another world is a module with a ``WORLD`` and its line here."""

from __future__ import annotations

from assay.demo.worlds import leads, saas, shop
from assay.demo.worlds.base import World

WORLDS: tuple[World, ...] = (shop.WORLD, saas.WORLD, leads.WORLD)
BY_NAME: dict[str, World] = {world.name: world for world in WORLDS}
