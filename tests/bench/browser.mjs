// The same clients, cold, in Chromium: CPU time of the page's process, all of its threads.

import { buildSync } from "esbuild";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { chromium } from "playwright-core";

const ABSENT = "./clients/absent.mjs";
const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";

/** What a page loads of each client: one script each, and our wasm. Gives the folder's files by name. */
export function bundle(folder, wasm) {
  for (const name of ["ours", "helios", "lodestar"]) {
    buildSync({
      entryPoints: [`clients/${name}.mjs`], outfile: join(folder, `${name}.js`), bundle: true, format: "esm",
      minify: true, platform: "browser", logLevel: "error",
      // herumi is the BLS that a browser gets; Node's files, events and randomness are not used on the way
      alias: {
        "@chainsafe/bls": "@chainsafe/bls/herumi", "node:fs": ABSENT, eventsource: ABSENT, crypto: ABSENT,
      },
      define: { global: "globalThis", "process.env.NODE_ENV": '"production"' },
      external: ["fs", "path", "vm"],
      inject: name === "lodestar" ? ["clients/buffer.mjs"] : [],
    });
  }
  writeFileSync(join(folder, "core.wasm"), readFileSync(wasm));
  writeFileSync(join(folder, "blank.html"), "<!doctype html><title>bench</title>");
}

const RUN = {
  nothing: async ([url]) => {
    const names = ["bootstrap", "updates", "finality"];
    await Promise.all(names.map(async (name) => (await fetch(`${url}/compact/${name}`)).arrayBuffer()));
  },
  ours: async ([url, root]) => {
    const { load, sync } = await import(`${url}/static/ours.js`);
    const wasm = await (await fetch(`${url}/static/core.wasm`)).arrayBuffer();
    await sync(await load(wasm), url, root);
  },
  helios: async ([url, root]) => {
    const { load, sync } = await import(`${url}/static/helios.js`);
    await sync(await load(url, root));
  },
  lodestar: async ([url, root]) => {
    const { sync } = await import(`${url}/static/lodestar.js`);
    await sync(url, root);
  },
};

/** Milliseconds of CPU that a fresh browser's page spends on one client. */
export async function measure(name, url, root) {
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox", "--disable-gpu"] });
  const page = await browser.newPage();
  const system = await browser.newBrowserCDPSession();
  const cpu = async () => {
    const { processInfo } = await system.send("SystemInfo.getProcessInfo");
    return processInfo.filter(({ type }) => type === "renderer").reduce((sum, { cpuTime }) => sum + cpuTime, 0) * 1000;
  };
  await page.goto(`${url}/static/blank.html`);
  await page.waitForTimeout(300);
  const before = await cpu();
  await page.evaluate(RUN[name], [url, root]);
  const after = await cpu();
  await browser.close();
  return after - before;
}
