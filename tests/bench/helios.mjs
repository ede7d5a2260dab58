// Once, cold, in Node. Usage: node helios.mjs URL ROOT

import { load, sync } from "./clients/helios.mjs";
import { report } from "./report.mjs";

const [url, root] = process.argv.slice(2);
const cold = report();
const provider = await load(url, root);
const started = report();
await sync(provider);
console.log(JSON.stringify({ sync: started.since(), all: cold.since() }));
process.exit(0);
