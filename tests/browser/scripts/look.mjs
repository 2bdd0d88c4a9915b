// Looks at one page: a screenshot, what axe-core finds, whether it scrolls sideways.

import { createRequire } from "node:module";

const axe = createRequire(import.meta.url).resolve("axe-core/axe.min.js");

export default async function look({ page, url, path, shot }) {
  const answer = await page.goto(url + path, { waitUntil: "load" });
  if (shot) await page.screenshot({ path: shot, fullPage: true });
  const sideways = await page.evaluate(
    () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
  );
  await page.evaluate((await import("node:fs")).readFileSync(axe, "utf8"));
  const found = await page.evaluate(async () => (await window.axe.run(document)).violations);
  const violations = found.map((one) => `${one.impact} ${one.id}: ${one.nodes.map((node) => node.html).join(" | ")}`);
  return { status: answer.status(), sideways, violations, title: await page.title() };
}
