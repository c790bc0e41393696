"""What a value of each type looks like in a request: data, for the reference page and its tests."""

from collections.abc import Mapping

LAYER = '{"type": "FeatureCollection", "features": []}'
BYTES = '{"value": "SUkqAA…", "encoding": "base64", "mediaType": "image/tiff; application=geotiff"}'
BY_REFERENCE = '{"href": "https://…/roads.gpkg"}'
MESH = '{"value": "MESH2D\\nND 1 …", "mediaType": "application/x-2dm"}'
COPC = '{"href": "https://…/hills.copc.laz"}'
CLOUD = '{"value": "UEsDBA…", "encoding": "base64", "mediaType": "application/zip"}'
POINT = '{"type": "Point", "coordinates": [9, 47]}'

EXAMPLES: Mapping[str, tuple[str, ...]] = {
    "boolean": ("false",),
    "number": ("0.5",),
    "distance": ("100",),
    "area": ("2500",),
    "volume": ("8",),
    "scale": ("25000",),
    "duration": ("1.5",),
    "range": ("[0, 100]",),
    "string": ('"Isfahan"',),
    "raster_calc_expression": ('"\\"dem@1\\" * 2"',),
    "expression": ('"\\"people\\" > 1000000"',),
    "execute_sql": ('"select name, geometry from input1"',),
    "enum": ('"Round"', "0", '["Mean", "Count"]'),
    "color": ('"#1f78b4"', '"#1f78b480"'),
    "datetime": ('"2026-11-24T09:00:00Z"', '"2026-11-24"'),
    "matrix": ("[[0, 500, 1], [500, 2000, 2]]", "[0, 500, 1, 500, 2000, 2]"),
    "relief_colors": ('[{"minimum": 0, "maximum": 500, "color": "#00aa00"}]',),
    "crs": ('"EPSG:25832"', '"http://www.opengis.net/def/crs/EPSG/0/25832"', '"+proj=utm +zone=32"'),
    "coordinateoperation": ('"+proj=pipeline +step +proj=unitconvert +xy_in=deg +xy_out=rad"',),
    "extent": ('{"bbox": [10, 45, 14, 48]}', '{"bbox": [45, 10, 48, 14], "crs": "urn:ogc:def:crs:EPSG::4326"}'),
    "point": (POINT, '"9,47 [EPSG:4326]"'),
    "geometry": (POINT, '"POINT (9 47)"'),
    "source": (LAYER, BY_REFERENCE),
    "vector": (LAYER, BY_REFERENCE),
    "raster": (BYTES,),
    "mesh": (MESH,),
    "pointcloud": (CLOUD, COPC),
    "layer": (LAYER, BYTES),
    "multilayer": (f"[{LAYER}, {BY_REFERENCE}]",),
    "idw_interpolation_data": (f'[{{"layer": {LAYER}, "field": "height"}}]',),
    "tininputlayers": (f'[{{"layer": {LAYER}, "type": "break lines"}}]',),
    "vectortilewriterlayers": (f'[{{"layer": {LAYER}, "name": "roads", "maxZoom": 6}}]',),
    "dxflayers": (f'[{{"layer": {LAYER}, "field": "class"}}]',),
    "alignrasterlayers": (f"[{BYTES}]",),
    "field": ('"name"', '["name", "people"]'),
    "band": ("1",),
    "layout": ('"Plan"',),
    "layoutitem": ('"Map 1"',),
    "maptheme": ('"bright"',),
    "attribute": ('"Intensity"',),
    "fields_mapping": ('[{"name": "city", "type": "text", "expression": "upper(\\"name\\")"}]',),
    "aggregates": ('[{"name": "people", "type": "bigint", "input": "\\"people\\"", "aggregate": "sum"}]',),
    "meshdatasetgroups": ("[0]",),
    "meshdatasettime": ('"static"', '"2026-11-24T09:00:00"'),
    "file": ('{"value": "0 0 0 255\\n", "mediaType": "text/plain"}',),
}  # fmt: skip
"""QGIS's name of a type → values as they stand in a request."""
