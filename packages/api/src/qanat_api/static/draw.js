// Layers and geometries drawn on a map: what is drawn is GeoJSON in the text field, and what is written there is on
// the map. Clicks set corners; so does a button, in the middle of the map, which the keyboard moves.
"use strict";

const DRAWS = {
  en: { open: "Or draw on a map", kind: "What to draw", Point: "Points", LineString: "Lines", Polygon: "Polygons", add: "Set a point in the middle", end: "Finish this shape", undo: "Take the last one back", map: "Map to draw on: arrow keys move it, plus and minus zoom", corners: "corners", drawn: "drawn", few: "too few corners", not: "The text is no GeoJSON to draw on." },
  de: { open: "Oder auf einer Karte zeichnen", kind: "Was gezeichnet wird", Point: "Punkte", LineString: "Linien", Polygon: "Flächen", add: "Punkt in der Mitte setzen", end: "Diese Form abschließen", undo: "Den letzten zurücknehmen", map: "Karte zum Zeichnen: Pfeiltasten verschieben, Plus und Minus vergrößern und verkleinern", corners: "Ecken", drawn: "gezeichnet", few: "zu wenige Ecken", not: "Der Text ist kein GeoJSON, in das gezeichnet werden kann." },
  fr: { open: "Ou dessiner sur une carte", kind: "Que dessiner", Point: "Points", LineString: "Lignes", Polygon: "Polygones", add: "Placer un point au milieu", end: "Terminer cette forme", undo: "Reprendre le dernier", map: "Carte pour dessiner : les flèches la déplacent, plus et moins changent l’échelle", corners: "sommets", drawn: "dessinés", few: "pas assez de sommets", not: "Le texte n’est pas du GeoJSON où dessiner." },
};
const draws = DRAWS[document.documentElement.lang] ?? DRAWS.en;
const LEAST = { Point: 1, LineString: 2, Polygon: 3 };
const run = document.getElementById("run");

// The map is asked for when it is first opened, unless the page has one already.
async function mapTools() {
  if (window.L && window.onLand) {
    return;
  }
  const style = document.createElement("link");
  style.rel = "stylesheet";
  style.href = run.dataset.mapStyle;
  document.querySelector('link[rel="stylesheet"]').before(style);
  for (const address of run.dataset.mapScripts.split(" ")) {
    await new Promise((done, failed) => {
      const script = document.createElement("script");
      script.src = address;
      script.onload = done;
      script.onerror = failed;
      document.head.append(script);
    });
  }
}

// A ring is closed, and turns left (RFC 7946).
function ringOf(corners) {
  const next = (at) => corners[(at + 1) % corners.length];
  const area = corners.reduce((sum, [x, y], at) => sum + x * next(at)[1] - next(at)[0] * y, 0);
  const ring = area < 0 ? [...corners].reverse() : corners;
  return [...ring, ring[0]];
}

function geometryOf(type, corners) {
  const coordinates = { Point: () => corners[0], LineString: () => corners, Polygon: () => [ringOf(corners)] };
  return { type, coordinates: coordinates[type]() };
}

// What a text field holds, as features; null where that is none of what can be drawn on.
function featuresIn(text) {
  if (!text.trim()) {
    return [];
  }
  try {
    const data = JSON.parse(text);
    if (data.type === "FeatureCollection" && Array.isArray(data.features)) {
      return data.features;
    }
    return data.type === "Feature" ? [data] : data.coordinates ? [{ type: "Feature", properties: {}, geometry: data }] : null;
  } catch {
    return null;
  }
}

function textOf(features, wanted) {
  if (!features.length) {
    return "";
  }
  if (wanted === "features") {
    return JSON.stringify({ type: "FeatureCollection", features });
  }
  const geometries = features.map((each) => each.geometry);
  const alike = geometries.every((each) => each.type === geometries[0].type && LEAST[each.type]);
  if (geometries.length === 1 || !alike) {
    return JSON.stringify(geometries.at(-1));
  }
  return JSON.stringify({ type: `Multi${geometries[0].type}`, coordinates: geometries.map((each) => each.coordinates) });
}

function element(tag, more, ...children) {
  const made = Object.assign(document.createElement(tag), more);
  made.append(...children);
  return made;
}

function offerDrawing(place) {
  const text = place.querySelector("textarea");
  const kind = element("select", {}, ...Object.keys(LEAST).map((each) => new Option(draws[each], each)));
  const box = element("div", { className: "map choose point" });
  box.setAttribute("role", "application");
  box.setAttribute("aria-label", draws.map);
  const button = (label) => element("button", { type: "button", className: "secondary", textContent: label });
  const [add, end, undo] = [button(draws.add), button(draws.end), button(draws.undo)];
  const said = element("p", { className: "again" });
  said.setAttribute("role", "status");
  const around = element(
    "details",
    { className: "more" },
    element("summary", { textContent: draws.open }),
    element("label", {}, `${draws.kind} `, kind),
    box,
    element("p", { className: "actions" }, add, end, undo),
    said,
  );
  (place.querySelector("details.more") ?? text).after(around);
  let map = null;
  let shown = null;
  let corners = [];

  function tell() {
    const features = featuresIn(text.value);
    const open = corners.length ? `${corners.length} ${draws.corners}, ` : "";
    said.textContent = features === null ? draws.not : `${open}${features.length} ${draws.drawn}`;
    end.disabled = kind.value === "Point";
    shown.clearLayers();
    const style = { color: colour("--mark"), weight: 2, radius: 5 };
    const options = { style, pointToLayer: (feature, at) => L.circleMarker(at, style) };
    try {
      L.geoJSON(features ?? [], options).addTo(shown);
    } catch {
      said.textContent = draws.not;
    }
    const places = corners.map(([x, y]) => [y, x]);
    places.forEach((at) => L.circleMarker(at, style).addTo(shown));
    L.polyline(places, { ...style, dashArray: "4" }).addTo(shown);
  }

  function write(features) {
    text.value = textOf(features, place.dataset.draw);
    text.dispatchEvent(new Event("input", { bubbles: true }));
    text.dispatchEvent(new Event("change", { bubbles: true }));
  }

  function finish() {
    const features = featuresIn(text.value);
    if (features === null || corners.length < LEAST[kind.value]) {
      said.textContent = features === null ? draws.not : draws.few;
      return;
    }
    const geometry = geometryOf(kind.value, corners);
    corners = [];
    write([...features, { type: "Feature", properties: {}, geometry }]);
  }

  function set(at) {
    const { lng, lat } = at.wrap();
    const digits = Math.max(0, Math.min(6, Math.round(map.getZoom() / 3)));
    corners.push([Number(lng.toFixed(digits)), Number(lat.toFixed(digits))]);
    if (kind.value === "Point") {
      finish();
    } else {
      tell();
    }
  }

  async function open() {
    if (!around.open || map) {
      return;
    }
    await mapTools();
    map = onLand(box, await read(place.dataset.land)).setView([20, 0], 1);
    shown = L.featureGroup().addTo(map);
    tell();
    if (shown.getBounds().isValid()) {
      map.fitBounds(shown.getBounds(), { maxZoom: 10, padding: [20, 20] });
    }
    map.on("click", (event) => set(event.latlng));
    add.addEventListener("click", () => set(map.getCenter()));
    end.addEventListener("click", finish);
    undo.addEventListener("click", () => {
      if (corners.length) {
        corners.pop();
        tell();
      } else {
        write((featuresIn(text.value) ?? []).slice(0, -1));
      }
    });
    kind.addEventListener("change", () => {
      corners = [];
      tell();
    });
    text.addEventListener("change", tell);
    // What was drawn and not finished is meant as well: before the form is checked or sent.
    run.addEventListener("click", (event) => event.target.type === "submit" && corners.length && finish(), { capture: true });
  }

  around.addEventListener("toggle", () => open().catch(() => around.remove()));
}

document.querySelectorAll("[data-draw]").forEach(offerDrawing);
