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

// A ring that crosses the date line goes on beyond it, and is there on the other side too; along a pole it ends.
function unwrapped(ring) {
  let turn = 0;
  return ring.map(([x, y], at) => {
    const before = at ? ring[at - 1][0] : x;
    if (Math.abs(x - before) > 180 && Math.abs(y) < 89) {
      turn += x < before ? 360 : -360;
    }
    return [x + turn, y];
  });
}

function whole(land) {
  const shapes = land.features ?? [land];
  const polygons = shapes.flatMap((each) => {
    const { type, coordinates } = each.geometry;
    return type === "Polygon" ? [coordinates] : coordinates;
  });
  const copies = polygons.flatMap((rings) => {
    const own = rings.map(unwrapped);
    const shifts = [-360, 0, 360].filter((by) => own[0].some(([x]) => Math.abs(x + by) < 180));
    return shifts.map((by) => own.map((ring) => ring.map(([x, y]) => [x + by, y])));
  });
  return { type: "MultiPolygon", coordinates: copies };
}

async function draw(box) {
  const [topology, data] = await Promise.all([read(box.dataset.land), read(box.dataset.geojson)]);
  if (data.features?.length > MOST_FEATURES) {
    data.features.length = MOST_FEATURES;
  }
  box.hidden = false;
  const map = L.map(box, { attributionControl: false, worldCopyJump: true, scrollWheelZoom: false });
  map.createPane("land").style.zIndex = 100;
  L.geoJSON(whole(topojson.feature(topology, topology.objects.land)), {
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
