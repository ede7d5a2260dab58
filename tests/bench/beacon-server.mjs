// A beacon node, an execution node and a gateway on loopback that serve one recording of mainnet, in a
// process of their own, so that what they cost is on nobody's account.
//
// Usage: node beacon-server.mjs RECORDING COMPACT STATIC; prints its port. /static/ serves the last folder, for pages.
// GET /_sent answers and resets the bytes sent.

import { createServer } from "node:http";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const folder = process.argv[2];
const read = (name) => readFileSync(join(folder, name));
const bootstrap = read("bootstrap.json");
const updates = JSON.parse(read("updates.json"));
const finality = read("finality.json");
const optimistic = read("optimistic.json");
const blocks = Object.fromEntries(readdirSync(join(folder, "blocks"))
  .map((name) => [name.replace(".json", ""), read(join("blocks", name))]));
const compact = Object.fromEntries(["bootstrap", "updates", "finality"]
  .map((name) => [name, readFileSync(join(process.argv[3], name))]));

const SLOTS_PER_PERIOD = 8192;
const periodOf = ({ data }) => Math.floor(Number(data.attested_header.beacon.slot) / SLOTS_PER_PERIOD);

let sent = 0;
const server = createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url, "http://localhost");
  const answer = (body, type = "application/json") => {
    sent += body.length;
    response.writeHead(200, { "content-type": type, "access-control-allow-origin": "*" });
    response.end(body);
  };
  const light = pathname.replace("/eth/v1/beacon/light_client/", "");
  if (pathname === "/_sent") {
    response.end(String(sent));
    sent = 0;
  } else if (pathname.startsWith("/static/")) {
    const name = pathname.slice("/static/".length);
    const type = { html: "text/html", js: "text/javascript", wasm: "application/wasm" }[name.split(".").pop()];
    response.writeHead(200, { "content-type": type });
    response.end(readFileSync(join(process.argv[4], name)));
  } else if (light.startsWith("bootstrap/")) answer(bootstrap);
  else if (light === "updates") {
    const start = Number(searchParams.get("start_period"));
    const end = start + Number(searchParams.get("count"));
    answer(JSON.stringify(updates.filter((u) => periodOf(u) >= start && periodOf(u) < end)));
  } else if (light === "finality_update") answer(finality);
  else if (light === "optimistic_update") answer(optimistic);
  else if (compact[pathname.replace("/compact/", "")]) {
    answer(compact[pathname.replace("/compact/", "")], "application/octet-stream");
  } else if (pathname.startsWith("/eth/v2/beacon/blocks/") && blocks[pathname.split("/").pop()]) {
    answer(blocks[pathname.split("/").pop()]);
  } else if (request.method === "POST") {
    answer(JSON.stringify({ jsonrpc: "2.0", id: 1, result: "0x1" }));
  } else {
    response.writeHead(404);
    response.end();
  }
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
