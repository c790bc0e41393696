"""Stores a project in PostgreSQL, with layers of a table there: `python store_project.py ADDRESS GEOPACKAGE`.

In a QGIS of its own. The project has a layer of the GeoPackage, and two of the table, by different users.
"""

import os
import sys

from qanat_worker.engine.application import DEBIAN, add_paths

add_paths(DEBIAN)
os.environ["QT_QPA_PLATFORM"] = "offscreen"
# Tests of the engine, in the same run, leave a choice of data providers behind.
os.environ.pop("QGIS_PROVIDER_FILE", None)

from qgis.core import (  # noqa: E402 - findable only now
    QgsApplication,
    QgsCoordinateReferenceSystem,
    QgsDataSourceUri,
    QgsProject,
    QgsProviderRegistry,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import QUrl, QUrlQuery  # noqa: E402

STATEMENTS = (
    "CREATE TABLE mayors (id int PRIMARY KEY, mayor text)",
    "INSERT INTO mayors VALUES (1, 'M'), (2, 'N')",
    "CREATE ROLE quoter LOGIN PASSWORD 'it''s'",
    "GRANT SELECT ON mayors TO quoter",
)


def tables(address: str) -> list[QgsVectorLayer]:
    """Made, then opened as a person does who lets QGIS keep the password in the project."""
    url, uri = QUrl(address), QgsDataSourceUri()
    password = url.password(QUrl.ComponentFormattingOption.FullyDecoded)
    place = url.host(), str(url.port()), QUrlQuery(url).queryItemValue("dbname")
    uri.setConnection(*place, url.userName(), password)
    provider = QgsProviderRegistry.instance().providerMetadata("postgres")
    connection = provider.createConnection(uri.uri(False), {})
    for statement in STATEMENTS:
        connection.executeSql(statement)
    layers = []
    for name, user, word in (("mayors", url.userName(), password), ("quoted", "quoter", "it's")):
        uri.setConnection(*place, user, word)
        uri.setDataSource("public", "mayors", "", "", "id")
        layers.append(QgsVectorLayer(uri.uri(False), name, "postgres"))
    return layers


def main() -> None:
    address, geopackage = sys.argv[1:]
    QgsApplication.setPrefixPath("/usr", True)
    application = QgsApplication([], False)
    application.initQgis()
    project = QgsProject.instance()
    project.setTitle("Stored in a database")
    project.setCrs(QgsCoordinateReferenceSystem("EPSG:25832"))
    layers = [QgsVectorLayer(f"{geopackage}|layername=towns", "towns", "ogr"), *tables(address)]
    for layer in layers:
        assert layer.isValid(), layer.name()
        project.addMapLayer(layer)
    assert project.write(address), project.error()
    os._exit(0)


if __name__ == "__main__":
    main()
