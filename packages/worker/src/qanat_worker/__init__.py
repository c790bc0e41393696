"""Qanat's worker: a Celery worker outside, QGIS inside."""
