// GET with what Node has from the start. Its `fetch` loads a client and a wasm parser with the first call: see the row
// of `nothing.mjs` in the table.

import http from "node:http";

export const get = (url) => new Promise((resolve, reject) => {
  http.get(url, (response) => {
    const chunks = [];
    response.on("data", (chunk) => chunks.push(chunk));
    response.on("end", () => (response.statusCode === 200
      ? resolve(new Uint8Array(Buffer.concat(chunks)))
      : reject(Error(`${url}: HTTP ${response.statusCode}`))));
  }).on("error", reject);
});
