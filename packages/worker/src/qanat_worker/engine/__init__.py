"""QGIS Processing behind the worker's port: the only place that imports qgis, processing or osgeo."""
