"""Measurements of Qanat beside a floor measured in the same run: `./dev bench`."""
