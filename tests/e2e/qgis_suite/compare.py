"""Two layers, feature by feature, by the options that a case of the suite may set.

The rules are those of the suite: what is not asked of a layer is not compared.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from qgis.core import NULL, QgsFeature, QgsGeometry, QgsVectorLayer
from qgis.PyQt.QtCore import QDate, QDateTime
from tests.e2e.qgis_suite.verdict import Different

Options = Mapping[str, Any]


@dataclass(frozen=True)
class Geometries:
    """How geometries are compared: the member `geometry` of the options."""

    precision: int = 14
    topo_equal_check: bool = False
    ignore_part_order: bool = False
    normalize: bool = False
    explode_collections: bool = False
    snap_to_grid: float | None = None
    equate_null_and_empty: bool = False

    def equal(self, one: QgsGeometry, other: QgsGeometry) -> bool:
        """Whether two geometries are equal; two that are absent are."""
        absent = (self._absent(one), self._absent(other))
        if any(absent):
            return all(absent)
        one, other = self._prepared(one), self._prepared(other)
        return (
            self._text(one) == self._text(other)
            or (self.topo_equal_check and one.isGeosEqual(other))
            or (self.ignore_part_order and one.isMultipart() and self._parts_equal(one, other))
        )

    def _absent(self, geometry: QgsGeometry) -> bool:
        return geometry.isNull() or (self.equate_null_and_empty and geometry.isEmpty())

    def _prepared(self, geometry: QgsGeometry) -> QgsGeometry:
        made = QgsGeometry(geometry)
        if self.snap_to_grid is not None:
            made = made.snappedToGrid(*[self.snap_to_grid] * 4)
        if self.normalize:
            made.normalize()
        return made

    def _text(self, geometry: QgsGeometry) -> str:
        inner = geometry.constGet()
        if self.explode_collections:
            inner = inner.simplifiedTypeRef()
        return inner.asWkt(self.precision)

    def _parts_equal(self, one: QgsGeometry, other: QgsGeometry) -> bool:
        parts = [sorted(p.asWkt(self.precision) for p in g.constParts()) for g in (one, other)]
        return parts[0] == parts[1]


def _text_of(value: Any) -> str | None:
    if isinstance(value, QDateTime):
        return value.toString("yyyy/MM/dd hh:mm:ss")
    if isinstance(value, QDate):
        return value.toString("yyyy/MM/dd")
    return str(value) if value else None


CASTS: Mapping[str, Callable[[Any], Any]] = {
    "int": lambda value: int(value) if value else None,
    "float": lambda value: float(value) if value else None,
    "str": _text_of,
}


@dataclass(frozen=True)
class Comparison:
    """All options of a comparison of two layers."""

    geometries: Geometries = field(default_factory=Geometries)
    fields: Options = field(default_factory=dict)
    unordered: bool = False
    ignore_crs_check: bool = False

    @classmethod
    def of(cls, options: Options) -> "Comparison":
        """As a case writes them."""
        return cls(
            geometries=Geometries(**(options.get("geometry") or {})),
            fields=options.get("fields") or {},
            unordered=bool(options.get("unordered")),
            ignore_crs_check=bool(options.get("ignore_crs_check")),
        )

    def check(self, expected: QgsVectorLayer, result: QgsVectorLayer, pk: Any) -> None:
        """Raise `Different` unless the layers are equal; `pk` names what features are sorted by."""
        crs = [layer.dataProvider().crs() for layer in (expected, result)]
        if not self.ignore_crs_check and crs[0] != crs[1]:
            raise Different(f"CRS {_named(crs[1])}, expected {_named(crs[0])}")
        counts = [layer.featureCount() for layer in (expected, result)]
        if counts[0] != counts[1]:
            raise Different(f"{counts[1]} features, expected {counts[0]}")
        names = {name.lower() for name in result.fields().names()}
        if self.unordered:
            self._check_unordered(expected, result, names)
        else:
            self._check_ordered(expected, result, pk, names)

    def _check_ordered(
        self, expected: QgsVectorLayer, result: QgsVectorLayer, pk: Any, names: set[str]
    ) -> None:
        pairs = zip(_sorted(expected, pk), _sorted(result, pk), strict=True)
        for wanted, found in pairs:
            if wrong := self._wrong(wanted, found, names):
                raise Different(f"feature {wanted.id()}/{found.id()}: {wrong}")

    def _check_unordered(
        self, expected: QgsVectorLayer, result: QgsVectorLayer, names: set[str]
    ) -> None:
        left = list(expected.getFeatures())
        for found in result.getFeatures():
            same = next((each for each in left if not self._wrong(each, found, names)), None)
            if same is None:
                raise Different(f"unexpected feature {found.id()}: {found.attributes()}")
            left.remove(same)

    def _wrong(self, wanted: QgsFeature, found: QgsFeature, names: set[str]) -> str | None:
        if not self.geometries.equal(wanted.geometry(), found.geometry()):
            told = [_shown(each.geometry()) for each in (found, wanted)]
            return f"geometry {told[0]}, expected {told[1]}"
        return next(self._wrong_fields(wanted, found, names), None)

    def _wrong_fields(
        self, wanted: QgsFeature, found: QgsFeature, names: set[str]
    ) -> Iterable[str]:
        for value, about in zip(wanted.attributes(), wanted.fields().toList(), strict=True):
            rule = self.fields.get(about.name(), self.fields.get("__all__", {}))
            if "skip" in rule:
                continue
            if about.name().lower() not in names:
                yield f"no field {about.name()}; it has {', '.join(found.fields().names())}"
                continue
            other = found.attribute(found.fields().lookupField(about.name()))
            one, two = self._brought(value, other, rule, about.isNumeric())
            if one != two:
                yield f"field {about.name()}: {two!r}, expected {one!r}"

    def _brought(self, one: Any, two: Any, rule: Options, numeric: bool) -> tuple[Any, Any]:
        """Two values as a rule of their field has them compared."""
        cast = rule.get("cast")
        if cast in CASTS:
            one, two = CASTS[cast](one), CASTS[cast](two)
        if "precision" in rule and (numeric or cast in ("int", "float")):
            one, two = _rounded(one, rule["precision"]), _rounded(two, rule["precision"])
        return one, two


def _rounded(value: Any, digits: int) -> Any:
    return value if value in (NULL, None) or isinstance(value, str) else round(value, digits)


def _sorted(layer: QgsVectorLayer, pk: Any) -> Sequence[QgsFeature]:
    if pk is None:
        return sorted(layer.getFeatures(), key=QgsFeature.id)
    names = [pk] if isinstance(pk, str) else list(pk)
    try:
        return sorted(layer.getFeatures(), key=lambda each: [_key(each[name]) for name in names])
    except KeyError as error:
        raise Different(f"no field {error} to sort by") from error


def _key(value: Any) -> tuple[bool, Any]:
    """Nulls by themselves: they cannot be compared with values."""
    return (True, 0) if value in (NULL, None) else (False, value)


def _named(crs: Any) -> str:
    return crs.authid() or crs.toWkt()[:60] or "none"


def _shown(geometry: QgsGeometry) -> str:
    text = "NULL" if geometry.isNull() else geometry.asWkt(6)
    return text if len(text) <= 160 else f"{text[:160]}…"
