"""Types that take files which are no layers, and folders of them."""

import re
from pathlib import Path

from qgis.core import QgsProcessingParameterFile

from qanat_common.ogc import JsonSchema
from qanat_common.protocol import LocalFile, Named
from qanat_worker.engine import archives, formats
from qanat_worker.engine.numbers import number
from qanat_worker.engine.parameters.base import Converter, Values, rejected
from qanat_worker.engine.sources import file_of
from qanat_worker.engine.values import Given, Unusable
from qanat_worker.engine.workspace import Workspace

FOLDER = 1
TEXT = ".txt"


_SUFFIX = re.compile(r"\*(\.\w+)")
_ANY = "*.*"


def suffixes_of(param: QgsProcessingParameterFile) -> tuple[str, ...]:
    """The suffixes that a parameter's files may have, of its extension or its filter; none is any."""
    if param.extension():
        return (f".{param.extension().lstrip('.').lower()}",)
    if _ANY in param.fileFilter():
        return ()
    return tuple(dict.fromkeys(map(str.lower, _SUFFIX.findall(param.fileFilter()))))


def suffix_for(given: Given, able: tuple[str, ...]) -> str:
    """The suffix that a file gets: its own, or that of its media type, where it may have it."""
    if not able:
        return TEXT
    own = Path(given.path).suffix.lower() if isinstance(given, LocalFile) else ""
    media_type = None if isinstance(given, Named) else given.media_type
    claimed = formats.plain(media_type or "").partition(";")[0]
    told = (suffix for suffix in able if formats.media_type_of(suffix) == claimed)
    return own if own in able else next(told, able[0])


class File(Converter[QgsProcessingParameterFile]):
    """A file, or a folder as a zip."""

    types = ("file",)
    files = True

    def schema(self, param: QgsProcessingParameterFile) -> JsonSchema:
        """Text where its suffix says that it is, else bytes; where it says nothing, either."""
        if number(param.behavior()) == FOLDER:
            return formats.file_schema("application/zip")
        media_types = dict.fromkeys(map(formats.media_type_of, suffixes_of(param)))
        able = [formats.file_schema(each) for each in media_types or ("text/plain", formats.BYTES)]
        return able[0] if len(able) == 1 else {"oneOf": able}

    def convert(self, param: QgsProcessingParameterFile, given: Values, job: Workspace) -> str:
        """The path of the worker's own file."""
        if isinstance(given, list):
            raise rejected(param.name(), "must be one file, not several")
        folder = number(param.behavior()) == FOLDER
        try:
            suffix = ".zip" if folder else suffix_for(given, suffixes_of(param))
            path = file_of(given, suffix, param.name(), job)
            if not folder:
                return str(path)
            target = job.path(param.name(), "").parent
            archives.unpack(path, target)
        except Unusable as error:
            raise rejected(param.name(), str(error)) from error
        except archives.BadArchive as error:
            raise rejected(param.name(), f"is a zip, but {error}") from error
        return str(target)
