"""Styles within GeoPackages: taken with a layer when they are harmless, and kept with a result.

A style is drawn, not run; but it may name files and addresses, and hold expressions. So only its
symbols and labels are taken, and none of them when a text in it does what no expression here may.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from qgis.core import QgsMapLayer, QgsVectorLayer
from qgis.PyQt.QtXml import QDomDocument, QDomNode

from qanat_worker.engine.expressions import DENIED_FUNCTIONS

PLAIN = "singleSymbol"
"""The renderer of a layer to which nobody gave a style."""

_TAKEN: Any = QgsMapLayer.StyleCategory.Symbology | QgsMapLayer.StyleCategory.Labeling
_HARM = re.compile(
    r"\b(" + "|".join(map(re.escape, sorted(DENIED_FUNCTIONS))) + r")\s*\(|://|\.\./|^\s*[/~]",
    re.IGNORECASE,
)
"""A call that is denied, an address, or a path that leads outside: in an attribute or a text."""


def take(layer: QgsVectorLayer) -> bool:
    """Give a layer the default style that its GeoPackage has for it, if it may be taken."""
    count, ids, *_ = layer.listStylesInDatabase()
    if count < 1:
        return False
    text, _problem = layer.getStyleFromDatabase(ids[0])
    document = QDomDocument()
    if not text or not document.setContent(text)[0] or any(map(_HARM.search, _texts(document))):
        return False
    return bool(layer.importNamedStyle(document, _TAKEN)[0])


def _texts(node: QDomNode) -> Iterator[str]:
    """Every attribute, and every text between elements."""
    attributes = node.attributes()
    yield from (attributes.item(each).nodeValue() for each in range(attributes.count()))
    if node.isText() or node.isCDATASection():
        yield node.nodeValue()
    child = node.firstChild()
    while not child.isNull():
        yield from _texts(child)
        child = child.nextSibling()


def keep(layer: QgsVectorLayer, package: Path, name: str) -> None:
    """Write the style of a layer, if it has one of its own, into the GeoPackage that holds it."""
    renderer, labeling = layer.renderer(), layer.labeling()
    labelled = layer.labelsEnabled() and labeling is not None
    if not labelled and (renderer is None or renderer.type() == PLAIN):
        return
    options = QgsVectorLayer.LayerOptions(loadDefaultStyle=False)
    written = QgsVectorLayer(f"{package}|layername={name}", name, "ogr", options)
    if renderer is not None:
        written.setRenderer(renderer.clone())
    if labelled and labeling is not None:
        written.setLabeling(labeling.clone())
        written.setLabelsEnabled(True)
    written.saveStyleToDatabase(name, "", True, "")
