// Maps on the coast lines of Natural Earth: of GeoJSON results, and to choose a box or a point. Nothing is asked of
// another host.
"use strict";

const TELLS = {
  en: { open: "Choose on a map", extent: "Take what the map shows", point: "Take the middle of the map", taken: "Taken:", map: "Map to choose on: arrow keys move it, plus and minus zoom" },
  de: { open: "Auf einer Karte wählen", extent: "Nehmen, was die Karte zeigt", point: "Die Mitte der Karte nehmen", taken: "Genommen:", map: "Karte zum Wählen: Pfeiltasten verschieben, Plus und Minus vergrößern und verkleinern" },
  fr: { open: "Choisir sur une carte", extent: "Prendre ce que montre la carte", point: "Prendre le milieu de la carte", taken: "Pris :", map: "Carte pour choisir : les flèches la déplacent, plus et moins changent l’échelle" },
};
const tells = TELLS[document.documentElement.lang] ?? TELLS.en;

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

function onLand(box, topology) {
  const map = L.map(box, { attributionControl: false, worldCopyJump: true, scrollWheelZoom: false });
  map.createPane("land").style.zIndex = 100;
  L.geoJSON(whole(topojson.feature(topology, topology.objects.land)), {
    pane: "land",
    interactive: false,
    style: { stroke: false, fillColor: colour("--land"), fillOpacity: 1 },
  }).addTo(map);
  return map;
}

async function draw(box) {
  const [topology, data] = await Promise.all([read(box.dataset.land), read(box.dataset.geojson)]);
  if (data.features?.length > MOST_FEATURES) {
    data.features.length = MOST_FEATURES;
  }
  box.hidden = false;
  const map = onLand(box, topology);
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

// A box or a point of a form, in longitudes and latitudes; the fields stay the way that is always there.
const PARTS = { extent: ["west", "south", "east", "north"], point: ["x", "y"] };

function seen(kind, map) {
  const turn = Math.round(map.getCenter().lng / 360) * 360;
  const bounds = map.getBounds();
  const box = [Math.max(bounds.getWest() - turn, -180), bounds.getSouth(), Math.min(bounds.getEast() - turn, 180), bounds.getNorth()];
  const numbers = kind === "extent" ? box : [map.getCenter().lng - turn, map.getCenter().lat];
  const digits = Math.max(0, Math.min(6, Math.round(map.getZoom() / 3)));
  return numbers.map((number) => String(Number(number.toFixed(digits))));
}

function offerMap(place) {
  const kind = place.dataset.place;
  const around = document.createElement("details");
  around.className = "more";
  const opener = document.createElement("summary");
  opener.textContent = tells.open;
  const box = document.createElement("div");
  box.className = `map choose ${kind}`;
  box.setAttribute("role", "application");
  box.setAttribute("aria-label", tells.map);
  const take = document.createElement("button");
  take.type = "button";
  take.className = "secondary";
  take.textContent = tells[kind];
  const said = document.createElement("span");
  said.setAttribute("role", "status");
  const row = document.createElement("p");
  row.className = "row";
  row.append(take, said);
  around.append(opener, box, row);
  const hints = place.querySelector(".hints");
  place.insertBefore(around, hints);
  let map = null;
  around.addEventListener("toggle", async () => {
    if (around.open && !map) {
      map = onLand(box, await read(place.dataset.land)).setView([20, 0], 1);
    }
  });
  take.addEventListener("click", () => {
    const numbers = seen(kind, map);
    const controls = PARTS[kind].map((part) => place.querySelector(`[name$="/${part}"]`));
    controls.forEach((control, at) => {
      control.value = numbers[at];
    });
    const crs = place.querySelector('[name$="/crs"]');
    crs.value = kind === "extent" ? "" : "EPSG:4326";
    controls[0].dispatchEvent(new Event("input", { bubbles: true }));
    said.textContent = `${tells.taken} ${numbers.join(", ")}`;
  });
}

document.querySelectorAll("fieldset[data-place]").forEach(offerMap);

for (const box of document.querySelectorAll(".map[data-geojson]")) {
  draw(box).catch(() => box.remove());
}
