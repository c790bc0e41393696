"""Qanat's OGC API - Processes front end: lists processes, takes jobs, serves their results."""
