"""What is offered and what is not, each refusal with its reason; data."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import chain

FLAGS = {
    "HideFromToolbox": "it is hidden from the toolbox: superseded, or made for the model designer",
    "NotAvailableInStandaloneTool": "it works on a session of QGIS Desktop only",
    "SecurityRisk": "QGIS marks it as a security risk",
}
"""QGIS's name of a flag → why an algorithm that has it is not offered."""

SUPERSEDED_HAVE = frozenset({"HideFromToolbox", "NotAvailableInStandaloneTool"})
"""Flags that algorithms have for no other reason than that others have taken their place."""

_CODE = "it runs code that a client would write"
_NETWORK = "it reads addresses that a client would choose"
NO_CONNECTIONS = "it opens connections, and jobs of this service may not: see worker.network"
_DATABASE = "it works on a database connection of this server"
_IN_PLACE = "it changes its input in place, and has no result of its own"
_PROJECT_CHANGED = "it changes the project, and has no result of its own"
_PATHS = "its results are paths of files of the server"
_DEVICE = "it works on a GPS device"
_GPSBABEL = "it runs gpsbabel, which is no part of QGIS"

DENIED: dict[str, str] = {
    "*:advancedpythonfieldcalculator": _CODE,
    "gdal:executesql": "its SQL may open any file of the server as a table",
    "native:filedownloader": _NETWORK,
    "native:httprequest": _NETWORK,
    "native:openurl": "it opens a browser",
    "native:downloadvectortiles": _NETWORK,
    "native:batch*geocoder": _NETWORK,
    "native:downloadgpsdata": _DEVICE,
    "native:uploadgpsdata": _DEVICE,
    "native:convertgpsdata": _GPSBABEL,
    "native:convertgpxfeaturetype": _GPSBABEL,
    "*:importinto*": _DATABASE,
    "*:postgis*": _DATABASE,
    "native:spatialiteexecutesql*": _DATABASE,
    "gdal:importvectorintopostgis*": _DATABASE,
    "grass*:v.in.wfs": _NETWORK,
    "grass*:r.in.wms": _NETWORK,
    "grass*:g.extension*": "it fetches programs and installs them",
    "grass*:*.out.postgis": _DATABASE,
    "gdal:assignprojection": _IN_PLACE,
    "gdal:overviews": _IN_PLACE,
    "gdal:rasterize_over*": _IN_PLACE,
    "*:definecurrentprojection": _IN_PLACE,
    "native:createattributeindex": _IN_PLACE,
    "native:createspatialindex": _IN_PLACE,
    "native:repairshapefile": _IN_PLACE,
    "native:setlayerencoding": _IN_PLACE,
    "native:setlayerstyle": _IN_PLACE,
    "native:truncatetable": _IN_PLACE,
    "native:zonalstatistics": _IN_PLACE,
    "native:transferannotationsfrommain": _PROJECT_CHANGED,
    "native:layertobookmarks": _PROJECT_CHANGED,
    "native:stylefromproject": "it opens a project file, which may name any data source",
    "qgis:setstylefor*": "it sets a style in a session of QGIS Desktop",
    "native:combinestyles": "it works on styles of QGIS Desktop",
    "gdal:buildvirtualraster": _PATHS,
    "gdal:buildvirtualvector": _PATHS,
    "native:virtualrastercalc": _PATHS,
    "native:exportlayersinformation": _PATHS,
    "native:shpencodinginfo": "a Shapefile comes as a zip, and its encoding is read from there",
}
"""Pattern of ids → why they are not offered (default deny, by hazard)."""

IN_PROJECTS = (
    "native:flattenrelationships",
    "native:bookmarkstolayer",
    "native:extractlabels",
    "*:tilesxyz*",
    "native:printlayout*",
    "native:atlaslayout*",
)
"""Patterns of ids that work on what only a project has: relations, labels, layouts, what is visible."""

WITHOUT_PROJECT = (
    "it works on the layers and settings of a project: offered with ?project=NAME only"
)

DENIED_WITHIN = {
    "native:createdirectory": "it makes folders wherever a text says",
    "native:savelog": "it writes a log with paths of the server",
}
"""Pattern of ids → why no step of a model may be one, of those that are made for models."""

_ARGUMENTS = "free arguments of a command line, by which a client could run code"

_OWN_FILE = (
    "options of the file by which GRASS hands its result over: its format is chosen by mediaType"
)

LEFT_OUT: dict[tuple[str, str], str] = {
    ("gdal:*", "EXTRA"): _ARGUMENTS,
    ("gdal:buffervectors", "OPTIONS"): _ARGUMENTS,
    ("gdal:clipvector*", "OPTIONS"): _ARGUMENTS,
    ("gdal:convertformat", "OPTIONS"): _ARGUMENTS,
    ("gdal:dissolve", "OPTIONS"): _ARGUMENTS,
    ("gdal:offsetcurve", "OPTIONS"): _ARGUMENTS,
    ("gdal:onesidebuffer", "OPTIONS"): _ARGUMENTS,
    ("gdal:pointsalonglines", "OPTIONS"): _ARGUMENTS,
    ("grass*:*", "GRASS_VECTOR_DSCO"): _OWN_FILE,
    ("grass*:*", "GRASS_VECTOR_LCO"): _OWN_FILE,
    ("native:savefeatures", "DATASOURCE_OPTIONS"): "options that may name files of the server",
    ("native:savefeatures", "LAYER_OPTIONS"): "options that may name files of the server",
    ("native:writevectortiles_xyz", "XYZ_TEMPLATE"): "a path of the server",
}
"""(Pattern of ids, name) → why a parameter is left at its default and not described."""

SET_BY_US: dict[tuple[str, str], str] = {
    ("grass*:*", "GRASS_VECTOR_LCO"): "SIGNIFICANT_FIGURES=17",
    **{
        (ids, name): "-lco SIGNIFICANT_FIGURES=17"
        for (ids, name) in LEFT_OUT
        if ids.startswith("gdal:") and name == "OPTIONS"
    },
}
"""(Pattern of ids, name) → what a parameter is that is left out: GeoJSON of tools has all digits."""

SUPERSEDED: dict[tuple[str, str], str] = {
    ("gdal:contour*", "OPTIONS"): "CREATION_OPTIONS",
    ("native:pointstopath", "ORDER_FIELD"): "ORDER_EXPRESSION",
    ("native:pointstopath", "GROUP_FIELD"): "GROUP_EXPRESSION",
    ("native:pointstopath", "DATE_FORMAT"): "ORDER_EXPRESSION",
    ("native:servicearea*", "TRAVEL_COST"): "TRAVEL_COST2",
    ("qgis:*interpolation", "COLUMNS"): "PIXEL_SIZE",
    ("qgis:*interpolation", "ROWS"): "PIXEL_SIZE",
    ("qgis:randompointsinsidepolygons", "EXPRESSION"): "VALUE",
}
"""(Pattern of ids, name) → what has taken the place of an input that QGIS hides, and still takes."""

LEFT_OUT_OUTPUTS: dict[tuple[str, str], str] = {
    ("native:savefeatures", "FILE_PATH"): "a path of the server; the file itself is OUTPUT",
}
"""(Pattern of ids, name) → why an output is not described."""


RASTER_PIXELS = 10**10
"""How many pixels a raster of a client may have, where the settings say nothing."""


@dataclass(frozen=True)
class Policy:
    """The tables as a service has them: what its settings add, open and switch on.

    `allow` and `deny` are patterns of ids, `hazards` those of ids that are offered although a table
    denies them, `opened` those of parameters, as gdal:translate.EXTRA, that are described although a
    table leaves them out; `deprecated` is whether algorithms are offered that QGIS has replaced;
    `in_project`, whether there is a project to work on; `network`, whether jobs may open connections;
    `raster_pixels`, how large a raster may be that
    a client gives.
    """

    allow: Sequence[str] = ("*",)
    deny: Sequence[str] = ()
    hazards: Sequence[str] = ()
    opened: Sequence[str] = ()
    deprecated: bool = False
    in_project: bool = False
    network: bool = True
    raster_pixels: int = RASTER_PIXELS

    def why_not(self, algorithm_id: str, flags: Collection[str]) -> str | None:
        """Why an algorithm is not offered, whatever its parameters; None when it may be."""
        if not _fits(algorithm_id, self.allow):
            return "it is not among those that the settings of this service allow"
        if _fits(algorithm_id, self.deny):
            return "the settings of this service deny it"
        return self._why_hazard(algorithm_id, self._flags(flags))

    def why_not_within(self, algorithm_id: str, flags: Collection[str]) -> str | None:
        """Why an algorithm may be no step of a model: those that are made for models may."""
        denied = (why for ids, why in DENIED_WITHIN.items() if fnmatchcase(algorithm_id, ids))
        hazard = self._why_hazard(algorithm_id, set(flags) - {"HideFromToolbox"})
        return hazard or (None if _fits(algorithm_id, self.hazards) else next(denied, None))

    def why_left_out(self, algorithm_id: str, name: str) -> str | None:
        """Why a parameter is left at its default and not described; None when it is not."""
        if self.opens(algorithm_id, name):
            return None
        return entry(LEFT_OUT, algorithm_id, name)

    def opens(self, algorithm_id: str, name: str) -> bool:
        """Whether the settings open a parameter: what comes by it is not looked at any more."""
        return _fits(f"{algorithm_id}.{name}", self.opened)

    def _flags(self, flags: Collection[str]) -> set[str]:
        superseded = self.deprecated and "Deprecated" in flags
        return set(flags) - SUPERSEDED_HAVE if superseded else set(flags)

    def _why_hazard(self, algorithm_id: str, flags: Collection[str]) -> str | None:
        if not self.in_project and is_of_projects(algorithm_id):
            return WITHOUT_PROJECT
        denied = (why for pattern, why in DENIED.items() if fnmatchcase(algorithm_id, pattern))
        flagged = (why for name, why in FLAGS.items() if name in flags)
        why = next(chain(denied, flagged), None)
        if not _fits(algorithm_id, self.hazards):
            return why
        return NO_CONNECTIONS if why == _NETWORK and not self.network else None


def is_of_projects(algorithm_id: str) -> bool:
    """Whether an algorithm is offered within a project only."""
    return _fits(algorithm_id, IN_PROJECTS)


def _fits(text: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(text, pattern) for pattern in patterns)


def entry(table: dict[tuple[str, str], str], algorithm_id: str, name: str) -> str | None:
    """What a table says of a parameter or output; None when it has nothing to say."""
    entries: Iterable[tuple[tuple[str, str], str]] = table.items()
    for (pattern, member), why in entries:
        if member == name and fnmatchcase(algorithm_id, pattern):
            return why
    return None
