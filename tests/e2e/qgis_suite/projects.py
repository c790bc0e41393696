"""The projects in which cases run, published for the service: QGIS's own runner has one for each.

A case says the CRS and the ellipsoid of its project, most say neither; the service is asked to run
each within a project that has the same. A project without a CRS has no ellipsoid, whatever its file says
(the runner gives it to the algorithm's context, past the project): a case that says an ellipsoid alone runs
within none, where the service takes the CRS and the ellipsoid of the first layer.
"""

import re
import shutil
from collections.abc import Iterable
from pathlib import Path

from tests.e2e.qgis_suite.cases import Case

BARE = "bare"
"""The project without a CRS and an ellipsoid."""

TEXT = """<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>
<qgis projectname="" version="3.22.0">
  <title>{name}</title>
  <projectCrs>{crs}</projectCrs>
  <properties>
    <SpatialRefSys><ProjectionsEnabled type="int">1</ProjectionsEnabled></SpatialRefSys>
    <Measure><Ellipsoid type="QString">{ellipsoid}</Ellipsoid></Measure>
  </properties>
</qgis>
"""
CRS = "<spatialrefsys><srsid>1</srsid><authid>{}</authid></spatialrefsys>"
"""QGIS reads the authority and code where there is any number of its own."""

SOURCE = re.compile(r"<datasource>\./([\w-]+)\.\w+</datasource>")
"""A file of a layer, beside its project."""


def name_of(case: Case) -> str | None:
    """The project of a case; None where it runs within none."""
    if case.project:
        return Path(case.project).stem
    if case.ellipsoid and not case.project_crs:
        return None
    said = [each for each in (case.project_crs, case.ellipsoid) if each]
    return re.sub(r"\W+", "-", "-".join(said)) or BARE


def publish(every: Iterable[Case], source: Path, folder: Path) -> None:
    """Write the projects of cases into a folder that is made; `source` has those that are files of QGIS's."""
    folder.mkdir(parents=True)
    named = {name: case for case in every if (name := name_of(case))}
    for name, case in named.items():
        if case.project:
            _copy(source / case.data / case.project, folder)
            continue
        crs = CRS.format(case.project_crs) if case.project_crs else ""
        text = TEXT.format(name=name, crs=crs, ellipsoid=case.ellipsoid or "NONE")
        (folder / f"{name}.qgs").write_text(text, "utf-8")


def _copy(project: Path, folder: Path) -> None:
    """A project, with the files of its layers."""
    shutil.copy(project, folder)
    for stem in SOURCE.findall(project.read_text("utf-8")):
        for beside in project.parent.glob(f"{stem}.*"):
            shutil.copy(beside, folder)
