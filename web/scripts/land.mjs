// Natural Earth land and borders as GeoJSON: `node land.mjs OUT_DIR`.
// Coordinates are rounded to what a screen can show, which more than halves the files.
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { feature, mesh } from "topojson-client";

const require = createRequire(import.meta.url);
const out = process.argv[2];
const load = (name) => JSON.parse(readFileSync(require.resolve(`world-atlas/${name}.json`), "utf8"));
const round = (digits) => (key, value) => (typeof value === "number" ? Number(value.toFixed(digits)) : value);

/**
 * A ring that crosses the antimeridian goes on beyond 180 degrees instead of jumping back across the
 * map; one that goes around a pole is closed along it.
 */
function unwrap(ring) {
  let turn = 0;
  const out = ring.map(([lng, lat], i) => {
    const step = i === 0 ? 0 : lng - ring[i - 1][0];
    if (step > 180) turn -= 360;
    if (step < -180) turn += 360;
    return [lng + turn, lat];
  });
  const [first, last] = [out[0], out[out.length - 1]];
  if (Math.abs(last[0] - first[0]) > 180) {
    const pole = first[1] < 0 ? -90 : 90;
    out.push([last[0], pole], [first[0], pole], first);
  }
  return out;
}

function unwrapLand(land) {
  for (const { geometry } of land.features) {
    const polygons = geometry.type === "Polygon" ? [geometry.coordinates] : geometry.coordinates;
    for (const rings of polygons) rings.forEach((ring, i) => { rings[i] = unwrap(ring); });
  }
  return land;
}

function cut(lines) {
  const parts = lines.coordinates.flatMap((line) => {
    const pieces = [[]];
    line.forEach((point, i) => {
      if (i > 0 && Math.abs(point[0] - line[i - 1][0]) > 180) pieces.push([]);
      pieces[pieces.length - 1].push(point);
    });
    return pieces.filter((piece) => piece.length > 1);
  });
  return { ...lines, coordinates: parts };
}

for (const [scale, digits] of [["110m", 2], ["50m", 2]]) {
  const topology = load(`land-${scale}`);
  writeFileSync(join(out, `land-${scale}.json`), JSON.stringify(unwrapLand(feature(topology, topology.objects.land)), round(digits)));
}
const countries = load("countries-110m");
const borders = mesh(countries, countries.objects.countries, (a, b) => a !== b);
writeFileSync(join(out, "borders-110m.json"), JSON.stringify(cut(borders), round(2)));
