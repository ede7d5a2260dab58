// The map widget: MapLibre, loaded when it is needed, drawing tiles that Rust encodes.
// It decides nothing: every colour is the `s` property that the Rust side wrote into the tile.

const STATES = ["claimed", "committed", "verified", "failed", "stale", "broken", "refuted"];
/** States that a pattern tells apart without colour. */
const PATTERNED = ["claimed", "failed", "stale", "broken", "refuted"];
const NOTHING = { type: "FeatureCollection", features: [] };
let map = null;
let land = 110;
let revision = 0;

const token = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const byState = (suffix = "") => [
  "match", ["get", "s"],
  ...STATES.flatMap((state, code) => [code, token(`--${state}${suffix}`)]),
  token("--claimed"),
];

/** A pattern tile per state that must be told apart without colour. */
function pattern(kind, colour) {
  const size = 16;
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = size;
  const c = canvas.getContext("2d");
  c.strokeStyle = c.fillStyle = colour;
  c.lineWidth = 2;
  const line = (x0, y0, x1, y1) => { c.beginPath(); c.moveTo(x0, y0); c.lineTo(x1, y1); c.stroke(); };
  if (kind === "stale" || kind === "broken") { line(-4, 20, 20, -4); line(-4, 4, 4, -4); line(12, 20, 20, 12); }
  if (kind === "broken") { line(-4, -4, 20, 20); line(12, -4, 20, 4); line(-4, 12, 4, 20); }
  if (kind === "failed") for (const [x, y] of [[4, 4], [12, 12]]) { c.beginPath(); c.arc(x, y, 2.4, 0, 7); c.fill(); }
  if (kind === "refuted") { line(0, 4, size, 4); line(0, 12, size, 12); }
  if (kind === "claimed") for (const [x, y] of [[8, 8]]) { c.beginPath(); c.arc(x, y, 1.6, 0, 7); c.fill(); }
  return c.getImageData(0, 0, size, size);
}

function style(assets) {
  return {
    version: 8,
    sources: {
      land: { type: "geojson", data: `${assets}land-110m.json`, attribution: "Land: Natural Earth" },
      borders: { type: "geojson", data: `${assets}borders-110m.json` },
      cov: { type: "vector", tiles: ["cov://tile/{z}/{x}/{y}"], minzoom: 0, maxzoom: 14 },
      selected: { type: "geojson", data: NOTHING },
    },
    layers: [
      { id: "sea", type: "background", paint: { "background-color": token("--sea") } },
      { id: "land", type: "fill", source: "land", paint: { "fill-color": token("--land") } },
      { id: "coast", type: "line", source: "land", paint: { "line-color": token("--coast"), "line-width": 0.8 } },
      { id: "borders", type: "line", source: "borders",
        paint: { "line-color": token("--coast"), "line-width": 0.6, "line-dasharray": [3, 2] } },
      { id: "hex", type: "fill", source: "cov", "source-layer": "hex", minzoom: 7,
        paint: { "fill-color": byState(), "fill-opacity": 0.62, "fill-antialias": true } },
      { id: "hex-pattern", type: "fill", source: "cov", "source-layer": "hex", minzoom: 8,
        filter: ["in", ["get", "s"], ["literal", PATTERNED.map((state) => STATES.indexOf(state))]],
        paint: { "fill-pattern": ["match", ["get", "s"],
          ...PATTERNED.flatMap((state) => [STATES.indexOf(state), `p-${state}`]), "p-claimed"], "fill-opacity": 0.8 } },
      { id: "hex-line", type: "line", source: "cov", "source-layer": "hex", minzoom: 8,
        paint: { "line-color": byState("-ink"), "line-width": ["interpolate", ["linear"], ["zoom"], 8, 0.5, 12, 1.8] } },
      { id: "area", type: "circle", source: "cov", "source-layer": "area", maxzoom: 7.5,
        paint: {
          "circle-color": byState(), "circle-opacity": 0.9,
          "circle-stroke-color": token("--panel"), "circle-stroke-width": 1.5,
          "circle-radius": ["interpolate", ["linear"], ["sqrt", ["get", "n"]], 1, 5, 3, 10, 6, 13, 15, 18],
        } },
      { id: "area-count", type: "symbol", source: "cov", "source-layer": "area", maxzoom: 7.5,
        filter: [">", ["get", "n"], 9],
        layout: { "text-field": ["to-string", ["get", "n"]], "text-font": ["sans-serif"], "text-size": 11 },
        paint: { "text-color": "#fff", "text-halo-color": "rgba(10, 20, 26, 0.45)", "text-halo-width": 0.7 } },
      { id: "selected", type: "line", source: "selected",
        paint: { "line-color": token("--ink"), "line-width": 3.5 } },
      { id: "selected-in", type: "line", source: "selected",
        paint: { "line-color": token("--panel"), "line-width": 1.2 } },
    ],
  };
}

function paintImages() {
  for (const kind of PATTERNED) {
    if (!map.hasImage(`p-${kind}`)) map.addImage(`p-${kind}`, pattern(kind, token(`--${kind}-ink`)));
  }
}

/** Where the built files lie. */
export function assets() {
  return globalThis.heliotropeAssets ?? new URL("./", document.baseURI).href;
}

/**
 * Draws the map into `container`.
 * @param {(z: number, x: number, y: number) => Uint8Array} tile encodes one vector tile
 * @param {(lng: number, lat: number, zoom: number) => void} onClick
 * @param {(lng: number, lat: number, zoom: number) => void} onMove
 */
export async function createMap(container, tile, onClick, onMove) {
  const base = assets();
  const lib = await import(`${base}maplibre-gl.mjs`);
  lib.setWorkerUrl(`${base}maplibre-gl-worker.mjs`);
  lib.addProtocol("cov", async (request) => {
    const [z, x, y] = request.url.split("?")[0].split("/").slice(-3).map(Number);
    return { data: tile(z, x, y).slice().buffer };
  });
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  map = new lib.Map({
    container, style: style(base), center: [8, 24], zoom: container.clientWidth < 600 ? 0.6 : 1.4,
    minZoom: 0, maxZoom: 16, dragRotate: false, pitchWithRotate: false, touchPitch: false,
    renderWorldCopies: true, attributionControl: { compact: true }, fadeDuration: still ? 0 : 150,
  });
  map.touchZoomRotate.disableRotation();
  map.addControl(new lib.NavigationControl({ showCompass: false }), "top-right");
  map.on("styleimagemissing", paintImages);
  map.on("load", paintImages);
  map.on("click", (event) => onClick(event.lngLat.lng, event.lngLat.lat, map.getZoom()));
  map.on("mousemove", (event) => {
    const hits = map.getLayer("hex") ? map.queryRenderedFeatures(event.point, { layers: ["hex", "area"] }) : [];
    map.getCanvas().style.cursor = hits.length ? "pointer" : "";
  });
  map.on("moveend", () => { fineLand(base); const c = map.getCenter(); onMove(c.lng, c.lat, map.getZoom()); });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    for (const kind of PATTERNED) if (map.hasImage(`p-${kind}`)) map.removeImage(`p-${kind}`);
    map.setStyle(style(base));
    land = 110;
    fineLand(base);
  });
  globalThis.__heliotropeMap = map;
  await new Promise((done) => map.once("load", done));
}

/** Detailed coasts only where somebody looks closely. */
function fineLand(base) {
  if (land === 110 && map.getZoom() > 3.5) {
    land = 50;
    map.getSource("land").setData(`${base}land-50m.json`);
  }
}

/** Tiles have changed. */
export function refresh() {
  const source = map?.getSource("cov");
  if (source) source.setTiles([`cov://tile/{z}/{x}/{y}?${++revision}`]);
}

export function flyTo(lng, lat, zoom) {
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  map?.flyTo({ center: [lng, lat], zoom, animate: !still, duration: 900 });
}

/** Outlines one cell; a flat list lng, lat, lng, lat …; empty for none. */
export function select(ring) {
  const source = map?.getSource("selected");
  if (!source) return;
  const points = [];
  for (let i = 0; i + 1 < ring.length; i += 2) points.push([ring[i], ring[i + 1]]);
  source.setData(points.length === 0 ? NOTHING
    : { type: "Feature", properties: {}, geometry: { type: "LineString", coordinates: [...points, points[0]] } });
}
