// A proposer that lied on chain: the page names the check, hands out the proof, and shows what the dispute did.
//   BASE_URL=… PROGRAM=…/heliotrope RPC=… CHALLENGER=key-file QUORUM=key-file,key-file,… node --test settlement.spec.mjs
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { BASE, SHOTS, axe, download, drawerLinks, open, settled, shot, state, until } from "./browser.mjs";

const { PROGRAM, RPC, CHALLENGER, QUORUM } = process.env;

/** What `heliotrope` prints; fails with what it says when it fails. */
function heliotrope(...words) {
  const { status, stdout, stderr } = spawnSync(PROGRAM, words, { encoding: "utf8" });
  assert.equal(status, 0, `${words.join(" ")}: ${stderr}`);
  return stdout;
}

/** The same, once the block with what it reads is final. */
async function onceFinal(page, words) {
  for (let tries = 0; ; tries += 1) {
    const { status, stderr } = spawnSync(PROGRAM, words, { encoding: "utf8" });
    if (status === 0) return;
    assert.ok(tries < 120 && stderr.includes("try again in a minute"), `${words.join(" ")}: ${stderr}`);
    await page.waitForTimeout(1_000);
  }
}

test("a bad verdict is named, challenged with the file from the page, and struck out", async () => {
  const { page, context } = await open("", { acceptDownloads: true });
  await settled(page);
  const lie = await state(page);
  assert.equal(lie.broken?.link, "check", JSON.stringify(lie.broken));
  assert.match(lie.broken.message, /the pinned module gives .*, the gateway committed /);
  assert.equal(lie.counts.verified, 0);
  await shot(page, "lie-settlement.png");
  assert.deepEqual(await axe(page), []);

  const file = join(SHOTS, "lie.proof");
  const name = await download(page, page.locator('.challenge [data-action="save-proof"]'), file);
  const { checkpoint } = await (await fetch(`${BASE}/v1/network.json`)).json();
  const told = await page.locator(".challenge pre").textContent();
  assert.ok(told.includes(`challenge ${name}`) && told.includes(checkpoint), told);
  const judged = spawnSync(PROGRAM, ["verify", file, "--checkpoint", checkpoint], { encoding: "utf8" });
  assert.match(judged.stdout + judged.stderr, /check.*broken|broken.*check/is);

  const as = (key) => ["--rpc", RPC, "--key-file", key];
  const on = ["--checkpoint", checkpoint];
  const asked = JSON.parse(heliotrope("challenge", file, ...on, ...as(CHALLENGER), "--json"));
  const { dispute } = asked.outcome;
  const votes = [];
  for (const key of QUORUM.split(",")) {
    const vote = join(SHOTS, `vote-${votes.length}`);
    const about = ["--dispute", dispute, ...on, "--gateway", BASE, ...as(key), "--out", vote];
    await onceFinal(page, ["vote", file, ...about]);
    votes.push(vote);
  }
  heliotrope("resolve", ...votes, ...as(CHALLENGER));

  // as soon as the block with the decision is final
  for (let tries = 0; (await state(page)).counts.refuted === 0; tries += 1) {
    assert.ok(tries < 30, JSON.stringify(await state(page)));
    await page.waitForTimeout(2_000);
    await page.locator(".banner-broken button").click();
    await settled(page);
  }
  await until(page, () => globalThis.__heliotrope.ready || globalThis.__heliotrope.broken);
  const end = await state(page);
  assert.equal(end.broken, null, JSON.stringify(end.broken));
  assert.ok(end.counts.refuted > 0 && end.counts.verified > 0, JSON.stringify(end.counts));
  await page.selectOption(".filters select", "refuted");
  await page.locator("table.hexes button.cell").first().click();
  await until(page, () => globalThis.__heliotrope.selected?.state === "refuted");
  const links = Object.fromEntries(await drawerLinks(page));
  assert.equal(links.commitment, "broken");
  assert.match(await page.locator('.drawer [data-link="commitment"]').textContent(), /struck out/);
  await shot(page, "struck-out.png");
  assert.deepEqual(await axe(page), []);
  await context.close();
});
