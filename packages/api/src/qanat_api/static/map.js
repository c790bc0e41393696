// Maps of GeoJSON results, on the coast lines of Natural Earth: nothing is asked of another host.
"use strict";

const MOST_FEATURES = 20000;

function popup(feature) {
  const table = document.createElement("table");
  for (const [name, value] of Object.entries(feature.properties ?? {}).slice(0, 30)) {
    const row = table.insertRow();
    row.insertCell().textContent = name;
    row.insertCell().textContent = value === null ? "" : typeof value === "object" ? JSON.stringify(value) : value;
  }
  return table;
}

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

async function read(address) {
  const answer = await fetch(address);
  if (!answer.ok) {
    throw new Error(answer.status);
  }
  return answer.json();
}

async function draw(box) {
  const [topology, data] = await Promise.all([read(box.dataset.land), read(box.dataset.geojson)]);
  if (data.features?.length > MOST_FEATURES) {
    data.features.length = MOST_FEATURES;
  }
  box.hidden = false;
  const map = L.map(box, { attributionControl: false, worldCopyJump: true, scrollWheelZoom: false });
  map.createPane("land").style.zIndex = 100;
  L.geoJSON(topojson.feature(topology, topology.objects.land), {
    pane: "land",
    interactive: false,
    style: { stroke: false, fillColor: colour("--land"), fillOpacity: 1 },
  }).addTo(map);
  const style = { color: colour("--mark"), weight: 2, fillOpacity: 0.25, radius: 5 };
  const layer = L.geoJSON(data, {
    style,
    pointToLayer: (feature, place) => L.circleMarker(place, style),
  }).bindPopup((each) => popup(each.feature));
  layer.addTo(map);
  const bounds = layer.getBounds();
  if (bounds.isValid()) {
    map.fitBounds(bounds, { maxZoom: 12, padding: [20, 20] });
  } else {
    map.setView([20, 0], 1);
  }
}

for (const box of document.querySelectorAll(".map")) {
  draw(box).catch(() => box.remove());
}
