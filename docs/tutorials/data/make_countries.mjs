// Makes countries.geojson from the npm package world-atlas (Natural Earth 1:110m, public domain):
//   npm install world-atlas@2 topojson-client@3 && node make_countries.mjs
//   ogr2ogr -makevalid -lco COORDINATE_PRECISION=6 valid.geojson countries.geojson
import { createRequire } from "node:module";
import { writeFileSync } from "node:fs";

const require = createRequire(process.cwd() + "/");
const { feature } = require("topojson-client");
const atlas = require("world-atlas/countries-110m.json");

const round = (value) =>
  Array.isArray(value) ? value.map(round) : Math.round(value * 1e4) / 1e4;
const features = feature(atlas, atlas.objects.countries).features.map((country) => ({
  type: "Feature",
  id: country.id,
  properties: { iso_n3: country.id ?? null, name: country.properties.name },
  geometry: { ...country.geometry, coordinates: round(country.geometry.coordinates) },
}));
const lines = features.map((country) => JSON.stringify(country)).join(",\n");
writeFileSync("countries.geojson", `{"type":"FeatureCollection","features":[\n${lines}\n]}\n`);
