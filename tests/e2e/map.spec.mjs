// The map in a real browser against a real gateway.
//   BASE_URL=http://127.0.0.1:8080 node --test map.spec.mjs
//   LIE=commitment BASE_URL=… node --test map.spec.mjs      the harness was started with that lie
// Screenshots go to target/e2e/. CHROMIUM names another browser than /usr/bin/chromium.
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  BASE, DESKTOP, LINKS, PHONE, axe, browser, drawerLinks, mapReady, open, settled, shot, state, until, verified,
} from "./browser.mjs";

const LIE = process.env.LIE ?? "";

const none = () => {};
const honest = LIE === "" ? test : none;
const liar = LIE === "" ? none : test;

/** Brings a hex to the middle of the map and clicks it there. */
async function clickHex(page, hex) {
  await page.evaluate(({ lng, lat }) => globalThis.__heliotropeMap.jumpTo({ center: [lng, lat], zoom: 11.5 }), hex);
  await page.evaluate(() => new Promise((done) => globalThis.__heliotropeMap.once("idle", done)));
  const at = await page.evaluate(({ lng, lat }) => {
    const point = globalThis.__heliotropeMap.project([lng, lat]);
    const box = globalThis.__heliotropeMap.getContainer().getBoundingClientRect();
    return { x: box.x + point.x, y: box.y + point.y };
  }, hex);
  await page.mouse.click(at.x, at.y);
}

honest("a hex on the map shows five verified links", async () => {
  const { page, context, seen } = await open();
  await verified(page);
  const before = await state(page);
  assert.equal(before.broken, null, JSON.stringify(before.broken));
  assert.equal(before.error, null);
  assert.ok(before.counts.verified > 0, `no verified hex: ${JSON.stringify(before)}`);
  await mapReady(page);
  await shot(page, "desktop-world.png");

  const hex = before.sample.find((entry) => entry.state === "verified");
  await clickHex(page, hex);
  await until(page, (cell) => globalThis.__heliotrope.selected?.cell === cell, hex.cell);
  await until(page, () => globalThis.__heliotrope.selected?.state === "verified");
  assert.deepEqual(await drawerLinks(page), LINKS.map((link) => [link, "verified"]));
  assert.match(page.url(), new RegExp(`hex=${hex.cell}`));

  await page.locator(".drawer .link details > summary").first().click();
  await page.locator(".drawer .exhibit > summary").first().click();
  assert.match(await page.locator(".drawer .exhibit pre").first().textContent(), /^[0-9a-f]{40,}/);
  await shot(page, "desktop-hex.png");
  assert.deepEqual(await axe(page), []);
  assert.deepEqual(seen.errors, []);
  await context.close();
});

honest("everything is checked, and the list has the numbers of the map", async () => {
  const { page, context, seen } = await open();
  await settled(page);
  const end = await state(page);
  assert.ok(end.ready, JSON.stringify(end));
  assert.deepEqual(end.links.map(({ outcome }) => outcome), LINKS.map(() => "verified"));
  assert.equal(end.counts.committed + end.counts.claimed + end.counts.broken, 0, JSON.stringify(end.counts));
  const caption = await page.locator("table.hexes caption").textContent();
  assert.equal(Number(caption.replace(/\D/g, "")), end.total);
  await page.selectOption(".filters select", "failed");
  const failed = await page.locator("table.hexes caption").textContent();
  assert.equal(Number(failed.replace(/\D/g, "")), end.counts.failed);
  if (end.counts.failed > 0) {
    await page.locator("table.hexes button.cell").first().click();
    await until(page, () => globalThis.__heliotrope.selected?.state === "failed");
    await page.locator(".drawer details.leaf > summary").first().click();
    await page.locator(".drawer details.leaf").first().scrollIntoViewIfNeeded();
    await shot(page, "desktop-failed.png");
  }
  assert.deepEqual(await axe(page), []);

  const network = await (await fetch(`${BASE}/v1/network.json`)).json();
  const allowed = new Set([BASE, ...network.checkpoint_sources].map((url) => new URL(url).origin));
  assert.deepEqual([...seen.origins].filter((origin) => !allowed.has(origin)), []);
  await context.close();
});

honest("the list works from the keyboard alone", async () => {
  const { page, context } = await open();
  await verified(page);
  await page.selectOption(".filters select", "verified");
  await page.locator("table.hexes button.cell").first().focus();
  await page.keyboard.press("Enter");
  await until(page, () => globalThis.__heliotrope.selected?.state === "verified");
  await page.locator("button.back").focus();
  await page.keyboard.press("Enter");
  await until(page, () => globalThis.__heliotrope.selected === null);
  await context.close();
});

honest("a link to a hex opens it, on a phone, in the dark", async () => {
  const first = await open();
  await verified(first.page);
  const { sample } = await state(first.page);
  await first.context.close();
  const { page, context } = await open(`#hex=${sample[0].cell}`, { viewport: PHONE, colorScheme: "dark" });
  await until(page, () => globalThis.__heliotrope?.selected?.state === "verified");
  await mapReady(page);
  await page.evaluate(() => new Promise((done) => {
    globalThis.__heliotropeMap.once("idle", done);
    globalThis.__heliotropeMap.triggerRepaint();
  }));
  await shot(page, "phone-hex.png");
  assert.deepEqual(await axe(page), []);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(wide <= PHONE.width, `the page is ${wide} px wide`);
  await page.locator("button.back").click();
  await shot(page, "phone.png");
  await context.close();
});

honest("a checkpoint of another chain is not followed", async () => {
  const { page, context } = await open(`#checkpoint=0x${"11".repeat(32)}`);
  await settled(page);
  const end = await state(page);
  assert.equal(end.counts.verified, 0);
  assert.ok(end.error ?? end.broken, JSON.stringify(end));
  await context.close();
});

honest("a dead gateway is an error, not an empty map", async () => {
  const { page, context } = await (async () => {
    const opened = await browser.newContext({ viewport: DESKTOP });
    const fresh = await opened.newPage();
    await opened.route("**/v1/network.json", (route) => route.abort());
    await fresh.goto(`${BASE}/`);
    return { page: fresh, context: opened };
  })();
  await settled(page);
  const end = await state(page);
  assert.match(end.error, /could not be fetched/);
  assert.ok(await page.locator('[data-state="failed"] button').isVisible());
  await shot(page, "error.png");
  assert.deepEqual(await axe(page), []);
  await context.close();
});

honest("what was synced is proven again after a reload without the network", async () => {
  const { checkpoint } = await (await fetch(`${BASE}/v1/network.json`)).json();
  const { page, context } = await open(`#checkpoint=${checkpoint}`);
  await verified(page);
  const before = await state(page);
  const links = (at) => Object.fromEntries(at.links.map(({ link, outcome }) => [link, outcome]));
  assert.equal(links(before).header, "verified", JSON.stringify(before.links));

  // the page itself is there, nothing that it reads is
  let asked = 0;
  for (const path of ["**/v1/**", "**/eth/**", "**/rpc"]) {
    await context.route(path, (route) => { asked += 1; return route.abort(); });
  }
  await page.reload();
  await settled(page);
  const after = await state(page);
  assert.ok(asked > 0, "the page asked for nothing");
  assert.equal(links(after).checkpoint, "verified", JSON.stringify(after));
  assert.equal(links(after).header, "verified", JSON.stringify(after));
  assert.ok(after.finalized_block >= before.finalized_block, JSON.stringify(after));
  // and what cannot be read cannot be shown
  assert.equal(after.counts.verified, 0);
  assert.match(after.error, /could not be fetched/);
  await shot(page, "offline.png");
  assert.deepEqual(await axe(page), []);
  await context.close();
});

honest("a contract is called in the tab, on state that is proven here", async () => {
  const { page, context } = await open();
  const chunks = [];
  context.on("request", (request) => request.url().includes("heliotrope-evm") && chunks.push(request.url()));
  const call = (request) => page.evaluate(
    (request) => globalThis.heliotrope.call(request).catch((error) => ({ refused: error.message })), request);
  await verified(page);
  assert.deepEqual(chunks, [], "the chunk is loaded before anybody calls");
  const network = await (await fetch(`${BASE}/v1/network.json`)).json();
  const to = network.contracts.check_registry;
  // count(bytes32): one version of the check is pinned
  const count = { to, data: `0x7937354c${network.check_id.slice(2)}` };
  const answer = await call(count);
  assert.equal(answer.status, "success", JSON.stringify(answer));
  assert.equal(BigInt(answer.output), 1n);
  assert.equal(answer.block, (await state(page)).finalized_block);
  assert.equal(chunks.filter((url) => url.endsWith(".wasm")).length, 1);
  const estimate = await call({ ...count, estimate: true });
  assert.ok(estimate.gas_used > 21_000 && estimate.gas_used < 60_000, JSON.stringify(estimate));
  assert.equal((await call({ to, data: "0x12345678" })).status, "revert", "no such function");
  assert.match((await call({ to: "0x12", data: "0x" })).refused, /address 0x12/);
  // code and nodes that were altered on the way
  for (const [method, reason] of [["eth_getCode", /code of hash/], ["eth_getProof", /at block/]]) {
    await context.route("**/rpc", async (route) => {
      if (route.request().postDataJSON().method !== method) return route.continue();
      const answer = await (await route.fetch()).json();
      const at = method === "eth_getCode" ? [answer, "result"] : [answer.result.accountProof, 0];
      at[0][at[1]] = at[0][at[1]].replace(/.$/, (digit) => (digit === "0" ? "1" : "0"));
      return route.fulfill({ json: answer });
    });
    assert.match((await call(count)).refused, reason, method);
    await context.unroute("**/rpc");
  }
  assert.equal((await call(count)).status, "success");
  await context.close();
});

honest("a verifier that dies leaves nothing green, and can be started again", async () => {
  const context = await browser.newContext({ viewport: DESKTOP });
  const page = await context.newPage();
  let dead = true;
  await context.route("**/worker.js", (route) => (dead
    ? route.fulfill({ contentType: "text/javascript", body: "throw new Error('out of memory')" })
    : route.continue()));
  await page.goto(`${BASE}/`);
  await until(page, () => globalThis.__heliotrope?.crashed);
  assert.equal((await state(page)).counts.verified, 0);
  dead = false;
  await page.locator('[data-state="crashed"] button').click();
  await verified(page);
  const end = await state(page);
  assert.equal(end.crashed, null);
  assert.ok(end.counts.verified > 0, JSON.stringify(end));
  await context.close();
});

liar(`the lie is named: ${LIE.toUpperCase()}`, async () => {
  const { page, context } = await open();
  await until(page, () => {
    const s = globalThis.__heliotrope;
    return s && (s.broken || s.ready || s.error || s.crashed || s.empty);
  });
  const at = await state(page);
  assert.equal(at.broken?.link, LIE, JSON.stringify(at));
  await page.waitForTimeout(3_000);
  const end = await state(page);
  assert.equal(end.broken.link, LIE, JSON.stringify(end.broken));
  assert.ok(await page.locator(`.banner-broken[data-link="${LIE}"]`).isVisible());
  assert.equal(await page.locator(".challenge").count(), 0, "who only carries cannot be challenged on chain");
  if (end.broken.cell === null) {
    assert.equal(end.counts.verified, 0, JSON.stringify(end.counts));
    assert.equal(end.counts.broken, end.total, JSON.stringify(end.counts));
  } else {
    const hex = end.sample.find(({ cell }) => cell === end.broken.cell);
    assert.ok(hex === undefined || hex.state === "broken", JSON.stringify(hex));
    // The liar forges a signature in every bundle: in the end no hex is left.
    await until(page, () => globalThis.__heliotrope.ready);
    const { counts, total } = await state(page);
    assert.equal(counts.verified + counts.failed + counts.stale, 0, JSON.stringify(counts));
    assert.equal(counts.broken, total, JSON.stringify(counts));
  }
  await mapReady(page);
  await page.waitForTimeout(1_000);
  await shot(page, `lie-${LIE}.png`);
  assert.deepEqual(await axe(page), []);
  await context.close();
});
