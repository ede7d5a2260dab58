// What Node's own `fetch` costs, with which the peers ask: three small answers, and nothing made of them.
// Usage: node nothing.mjs URL

import { report } from "./report.mjs";

const url = process.argv[2];
const cold = report();
await Promise.all(["bootstrap", "updates", "finality"].map(async (name) => (await fetch(`${url}/compact/${name}`)).arrayBuffer()));
// the parser is compiled in the background: peers run long enough to pay for it
await new Promise((resolve) => { setTimeout(resolve, 200); });
console.log(JSON.stringify({ all: cold.since() }));
process.exit(0);
