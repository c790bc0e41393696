"""Types that name something of a project: layouts, things on them, map themes."""

from collections.abc import Mapping
from typing import Any

from pydantic import JsonValue
from qgis.core import QgsProcessingParameterDefinition

from qanat_common.ogc import JsonSchema
from qanat_worker.engine import contents
from qanat_worker.engine.parameters.base import LiteralConverter, expect_text
from qanat_worker.engine.values import Unusable, shown
from qanat_worker.engine.workspace import Workspace

Param = QgsProcessingParameterDefinition


class InProject(LiteralConverter[Param]):
    """The name of a print layout or of a map theme, within a published project only."""

    types = ("layout", "maptheme")
    in_projects = True

    def schema(self, param: Param) -> JsonSchema:
        """A text; the api lists what the project has."""
        return {"type": "string"}

    def to_qgis(self, param: Param, value: JsonValue, job: Workspace) -> Any:
        """The name, once it is known that the project has it."""
        name = expect_text(value)
        known = {
            "layout": [each.name() for each in contents.layouts_of(job.project)],
            "maptheme": contents.themes_of(job.project),
        }[param.type()]
        if name not in known:
            raise Unusable(f"must be one of {', '.join(known) or 'none'}, not {shown(name)}")
        return name

    def notes(self, param: Param) -> Mapping[str, str]:
        """Atlas algorithms take layouts with an atlas only."""
        return {"layouts": "with an atlas"} if "atlas" in param.description().lower() else {}


class LayoutItem(LiteralConverter[Param]):
    """A map on a layout, by its name, within a published project only."""

    types = ("layoutitem",)
    in_projects = True

    def schema(self, param: Param) -> JsonSchema:
        """A text; the api lists what the layouts of the project have."""
        return {"type": "string"}

    def to_qgis(self, param: Param, value: JsonValue, job: Workspace) -> Any:
        """The name, once it is known that a layout of the project has it."""
        name = expect_text(value)
        layouts = contents.layouts_of(job.project)
        known = [each for layout in layouts for each in contents.maps_of(layout)]
        if name not in known:
            raise Unusable(f"must be one of {', '.join(known) or 'none'}, not {shown(name)}")
        return name

    def notes(self, param: Param) -> Mapping[str, str]:
        """The layout that has it."""
        return {"parent": param.parentLayoutParameterName()}  # type: ignore[attr-defined]  # of its own class
