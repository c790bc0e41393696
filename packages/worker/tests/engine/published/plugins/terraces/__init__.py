"""A plugin that brings a Processing provider."""

from .plugin import Terraces  # noqa: TID252 - as plugins do


def classFactory(iface):  # noqa: N802 - QGIS's
    assert iface is None
    return Terraces()
