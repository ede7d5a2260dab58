// Once, cold, in Node, with the BLS that a browser gets (herumi). Usage: node lodestar.mjs URL ROOT

import { register } from "node:module";
import { report } from "./report.mjs";

// Node would pick a native library; a browser cannot.
register("data:text/javascript," + encodeURIComponent(`
  export async function resolve(specifier, context, next) {
    return next(specifier === "@chainsafe/bls" ? "@chainsafe/bls/herumi" : specifier, context);
  }
`));

const [url, root] = process.argv.slice(2);
const cold = report();
const { sync } = await import("./clients/lodestar.mjs");
const started = report();
const slot = await sync(url, root);
console.log(JSON.stringify({ sync: started.since(), all: cold.since(), slot }));
process.exit(0);
