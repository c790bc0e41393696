"""Types that take files which are no layers, and folders of them."""

from pathlib import Path

from qgis.core import QgsProcessingParameterFile

from qanat_common.ogc import JsonSchema
from qanat_worker.engine import archives, formats
from qanat_worker.engine.parameters.base import Converter, Values, number, rejected
from qanat_worker.engine.sources import file_of
from qanat_worker.engine.values import Unusable
from qanat_worker.engine.workspace import Workspace

FOLDER = 1


def suffix_of(param: QgsProcessingParameterFile) -> str:
    """The suffix that a parameter's files have, the first of its filter; "" when any."""
    if param.extension():
        return f".{param.extension().lstrip('.').lower()}"
    start = param.fileFilter().partition("(")[2].partition(")")[0].split()
    first = Path(start[0]).suffix.lower() if start else ""
    return "" if "*" in first else first


class File(Converter[QgsProcessingParameterFile]):
    """A file, or a folder as a zip."""

    types = ("file",)
    files = True

    def schema(self, param: QgsProcessingParameterFile) -> JsonSchema:
        """Text where its suffix says that it is, else bytes; where it says nothing, either."""
        if number(param.behavior()) == FOLDER:
            return formats.file_schema("application/zip")
        suffix = suffix_of(param)
        if suffix:
            return formats.file_schema(formats.media_type_of(suffix))
        return {"oneOf": [formats.file_schema("text/plain"), formats.file_schema(formats.BYTES)]}

    def convert(self, param: QgsProcessingParameterFile, given: Values, job: Workspace) -> str:
        """The path of the worker's own file."""
        if isinstance(given, list):
            raise rejected(param.name(), "must be one file, not several")
        folder = number(param.behavior()) == FOLDER
        try:
            suffix = ".zip" if folder else suffix_of(param) or ".txt"
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
