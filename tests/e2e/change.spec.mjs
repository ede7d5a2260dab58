// A change of the check that is announced, on the page: versions 2 to 4 are pinned and not active yet. Version 2 is a good
// one, 3 loops in its check, 4 in its allocator.
//   BASE_URL=… PROGRAM=…/heliotrope node --test change.spec.mjs
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { BASE, PHONE, SHOTS, axe, download, open, shot, state, until, verified } from "./browser.mjs";

const PROGRAM = process.env.PROGRAM;

const announced = (page) => until(page, () => {
  const s = globalThis.__heliotrope;
  return s && s.ready && s.versions;
});
const pending = (page, version) => page.locator(`.pending[data-version="${version}"]`);
async function compare(page, version) {
  await pending(page, version).locator('[data-action="compare"]').click();
  await until(page, (version) => {
    const c = globalThis.__heliotrope.comparison;
    return c?.version === version && c.state !== "running";
  }, version);
  return (await state(page)).comparison.state;
}

test("an announced version is shown with its date, proven here, beside the gateway's word", async () => {
  const { page, context, seen } = await open();
  await announced(page);
  const { versions, judges, broken } = await state(page);
  assert.equal(broken, null);
  assert.equal(versions.active.version, 1);
  assert.deepEqual(versions.announced.map(({ version }) => version), [2, 3, 4]);
  const [next] = versions.announced;
  assert.equal(next.profile, "helium-2025-12");
  assert.deepEqual(judges.map(({ version, module_hash }) => [version, module_hash]), [[1, versions.active.module_hash]]);
  const told = await (await fetch(`${BASE}/v1/status`)).json();
  assert.equal(next.module_hash, `0x${told.next_version.module}`);
  assert.equal(next.active_from, told.next_version.active_from_s);

  const card = pending(page, 2);
  assert.match(await card.textContent(), /Version 2 is announced.*proven in this tab/);
  assert.match(await card.textContent(), /\(in \d+ minutes\)/);
  const local = await page.evaluate((s) => new Date(s * 1000).getHours(), next.active_from);
  assert.match(await card.textContent(), new RegExp(` ${String(local).padStart(2, "0")}:\\d\\d:\\d\\d`));
  assert.match(await card.locator(".said").textContent(), /^asserted.*fetched and compiled/);
  assert.match(await page.locator('[data-state="announced"]').textContent(), /changes in \d+ minutes: version 2/);
  await card.scrollIntoViewIfNeeded();
  await shot(page, "change.png");
  assert.deepEqual(await axe(page), []);
  assert.deepEqual(seen.errors, []);
  await context.close();
});

test("what would change is said in the tab, in the bytes of the native command", async () => {
  const { page, context } = await open("", { viewport: PHONE, colorScheme: "dark", acceptDownloads: true });
  await announced(page);
  assert.equal(await compare(page, 2), "found");
  const file = join(SHOTS, "what-would-change.json");
  await download(page, pending(page, 2).locator('[data-action="save-json"]'), file);
  const here = readFileSync(file, "utf8");

  const { versions, epoch } = await state(page);
  const [next] = versions.announced;
  const { checkpoint } = await (await fetch(`${BASE}/v1/network.json`)).json();
  const native = execFileSync(PROGRAM, [
    "govern", "diff", versions.active.module_hash, next.module_hash, "--params-b", next.params_hash,
    "--epoch", String(epoch), "--gateway", BASE, "--checkpoint", checkpoint, "--json",
  ], { encoding: "utf8" });
  assert.equal(here, native.trimEnd());
  const diff = JSON.parse(here);
  assert.ok(diff.changes.length > 0 && diff.leaves > 0 && diff.unserved === 0, here.slice(0, 400));
  assert.deepEqual(diff.no_verdict, []);
  assert.ok((await pending(page, 2).locator(".found").textContent()).startsWith(String(diff.changes.length)));
  await pending(page, 2).locator(".found").scrollIntoViewIfNeeded();
  await shot(page, "phone-what-would-change.png");
  assert.deepEqual(await axe(page), []);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(wide <= PHONE.width, `the page is ${wide} px wide`);
  await context.close();
});

for (const [version, where] of [[3, "check"], [4, "allocator"]]) {
  test(`a module that loops in its ${where} is ended, and has no verdict`, async () => {
    const { page, context } = await open();
    await announced(page);
    const before = (await state(page)).counts;
    assert.equal(await compare(page, version), "no-verdict");
    assert.match(await pending(page, version).textContent(), /No verdict: a check module did not come to an end/);
    const end = await state(page);
    assert.match(end.crashed, /did not come to an end/);
    assert.deepEqual(end.counts, before, "what was proven stays, and nothing is added");
    await shot(page, `loop-in-${where}.png`);
    assert.deepEqual(await axe(page), []);
    await page.locator('[data-state="crashed"] button').click();
    await verified(page);
    assert.equal((await state(page)).crashed, null);
    await context.close();
  });
}

test("a proof of the registry that was altered announces nothing", async () => {
  const { page, context } = await open();
  await announced(page);
  const { check_registry } = (await (await fetch(`${BASE}/v1/network.json`)).json()).contracts;
  await context.route("**/rpc", async (route) => {
    const { method, params } = route.request().postDataJSON();
    if (method !== "eth_getProof" || params[0].toLowerCase() !== check_registry.toLowerCase()) return route.continue();
    const answer = await (await route.fetch()).json();
    const [slot] = answer.result.storageProof;
    slot.proof[0] = slot.proof[0].replace(/.$/, (digit) => (digit === "0" ? "1" : "0"));
    return route.fulfill({ json: answer });
  });
  await page.reload();
  await until(page, () => document.querySelector('[data-versions="error"]'));
  assert.match(await page.locator('[data-versions="error"]').textContent(), /does not hold/);
  assert.equal(await page.locator(".pending").count(), 0);
  await shot(page, "change-error.png");
  assert.deepEqual(await axe(page), []);
  await context.close();
});
