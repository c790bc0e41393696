"""Makes dem.tif, a raster like an elevation model: two ridges and a valley near Innsbruck.

Run it with the Python that has GDAL: python3 make_dem.py
"""

import numpy as np
from osgeo import gdal, osr

gdal.UseExceptions()
SIZE, CELL, WEST, NORTH = 120, 100.0, 675_000.0, 5_243_000.0

y, x = np.mgrid[0:SIZE, 0:SIZE] / SIZE
rough = np.random.default_rng(7).normal(0, 4, (SIZE, SIZE))
heights = 600 + 1400 * np.abs(y - 0.45 - 0.1 * np.sin(5 * x)) + 250 * np.cos(9 * x) * y + rough

dem = gdal.GetDriverByName("GTiff").Create(
    "dem.tif", SIZE, SIZE, 1, gdal.GDT_Float32, ["COMPRESS=DEFLATE", "PREDICTOR=3"]
)
crs = osr.SpatialReference()
crs.ImportFromEPSG(32632)
dem.SetProjection(crs.ExportToWkt())
dem.SetGeoTransform((WEST, CELL, 0, NORTH, 0, -CELL))
dem.GetRasterBand(1).WriteArray(heights.astype("float32"))
dem.GetRasterBand(1).SetNoDataValue(-9999)
dem = None
