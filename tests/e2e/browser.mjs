// What the browser tests share: Chromium, a page with what went wrong in it, and the page's own state.
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { after, before } from "node:test";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

export const BASE = process.env.BASE_URL ?? "http://127.0.0.1:8080";
export const SHOTS = join(dirname(fileURLToPath(import.meta.url)), "../../target/e2e");
export const LINKS = ["device", "check", "commitment", "header", "checkpoint"];
export const DESKTOP = { width: 1280, height: 800 };
export const PHONE = { width: 390, height: 844 };
const PATIENCE_MS = Number(process.env.PATIENCE_MS ?? 120_000);
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const ARGS = [
  "--headless=new", "--no-sandbox", "--disable-gpu", "--enable-unsafe-swiftshader", "--use-gl=angle",
  "--use-angle=swiftshader", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
];

export let browser;
before(async () => {
  mkdirSync(SHOTS, { recursive: true });
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ARGS });
});
after(() => browser?.close());

/** A page with what went wrong in it and which origins it asked. */
export async function open(hash = "", options = {}) {
  const context = await browser.newContext({ viewport: DESKTOP, ...options });
  const page = await context.newPage();
  const seen = { errors: [], origins: new Set() };
  page.on("pageerror", (error) => seen.errors.push(error.message));
  page.on("console", (message) => message.type() === "error" && seen.errors.push(message.text()));
  context.on("request", (request) => {
    const url = new URL(request.url());
    if (url.protocol.startsWith("http")) seen.origins.add(url.origin);
  });
  await page.goto(`${BASE}/${hash}`);
  return { page, context, seen };
}

export const shot = (page, name) => page.screenshot({ path: join(SHOTS, name) });
export const state = (page) => page.evaluate(() => globalThis.__heliotrope);
export const until = (page, predicate, argument) =>
  page.waitForFunction(predicate, argument, { timeout: PATIENCE_MS, polling: 200 });
export const settled = (page) => until(page, () => {
  const s = globalThis.__heliotrope;
  return s && (s.ready || s.broken || s.error || s.crashed || s.empty);
});
export const verified = (page) => until(page, () => {
  const s = globalThis.__heliotrope;
  return s && (s.counts.verified > 0 || s.broken || s.error || s.crashed || s.empty);
});
export const mapReady = (page) => until(page, () => globalThis.__heliotropeMap?.loaded());

export const drawerLinks = (page) => page.$$eval(".drawer .link", (links) =>
  links.map((link) => [link.dataset.link, link.dataset.outcome]));

/** What axe has to say against the page as it is. */
export async function axe(page) {
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() => globalThis.axe.run());
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.target).join(", ")}`);
}

/** The file that a click on `button` hands out. */
export async function download(page, button, path) {
  const [file] = await Promise.all([page.waitForEvent("download"), button.click()]);
  await file.saveAs(path);
  return file.suggestedFilename();
}
