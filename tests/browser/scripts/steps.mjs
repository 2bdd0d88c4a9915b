// Does what a visitor does, step by step: `steps` is a list of [what, ...with what]. What is seen is kept by its name.

import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const PATIENCE_MS = 15_000;

// Without scripts nothing in the page can wait for anything, so it is asked again and again from here.
async function until(page, selector) {
  const deadline = Date.now() + PATIENCE_MS;
  while (Date.now() < deadline) {
    if (await page.$(selector).catch(() => null)) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`${selector} did not come, but:\n${await page.$eval("main", (main) => main.innerText)}`);
}

async function seen(page, { shot, javascript = true }) {
  if (shot) await page.screenshot({ path: shot, fullPage: true });
  const texts = (selector) => page.$$eval(selector, (all) => all.map((one) => one.textContent.trim()));
  const state = {
    path: new URL(page.url()).pathname,
    heading: (await texts("h1"))[0],
    errors: await texts(".error-message"),
    ok: await texts(".ok-message"),
    wait: await texts(".wait-message"),
    facts: await texts("dl.facts dd"),
    figures: await texts(".figure"),
    offers: await page.$$eval(".book-offers button", (all) => all.map((one) => one.value)),
    values: await page.$$eval("form :is(input, select)", (all) => Object.fromEntries(all.map((one) => [one.id, one.value]))),
    invalid: await page.$$eval("[aria-invalid]", (all) => all.map((one) => one.id)),
    scripts: await page.$$eval("main script", (all) => all.length),
    sideways: await page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    ),
    violations: [],
  };
  if (javascript) {
    await page.evaluate(axe);
    const found = await page.evaluate(async () => (await window.axe.run(document)).violations);
    state.violations = found.map((one) => `${one.id}: ${one.nodes.map((node) => node.html).join(" | ")}`);
  }
  return state;
}

export default async function steps({ page, open, url, steps: wanted, javascript, shots = {}, width, height }) {
  const result = {};
  const tabs = [];
  const arrives = (act) => Promise.all([page.waitForNavigation({ waitUntil: "load" }), act()]);
  const can = {
    goto: (path) => page.goto(new URL(path, url).href, { waitUntil: "load" }),
    type: (selector, text) => page.type(selector, text),
    empty: (selector) => page.$eval(selector, (one) => { one.value = ""; }),
    choose: async (selector, value) => {
      await until(page, `${selector} option[value="${value}"]`);
      await page.select(selector, value);
    },
    press: (selector) => arrives(() => page.click(selector)),
    tap: (selector) => page.click(selector),
    // Three before the first one has an answer.
    hammer: async (selector) => {
      const { x, y } = await (await page.$(selector)).clickablePoint();
      for (let click = 0; click < 3; click += 1) {
        await page.mouse.click(x, y);
        await new Promise((resolve) => setTimeout(resolve, 80));
      }
    },
    until: (selector) => until(page, selector),
    size: (wide, high) => page.setViewport({ width: wide, height: high, deviceScaleFactor: 1 }),
    back: () => page.goBack({ waitUntil: "load" }),
    reload: () => page.reload({ waitUntil: "load" }),
    // From now on in another tab, at the address where this one is; and back to the one before.
    tab: async () => {
      tabs.push(page);
      page = await open({ width, height, javascript });
      await page.goto(tabs.at(-1).url(), { waitUntil: "load" });
    },
    leave: async () => {
      page = tabs.pop();
      await page.bringToFront();
    },
    cookies: async (name) => { result[name] = await page.cookies(); },
    address: async (name) => { result[name] = page.url().slice(url.length); },
    see: async (name) => { result[name] = await seen(page, { shot: shots[name], javascript }); },
  };
  for (const [what, ...rest] of wanted) await can[what](...rest);
  return result;
}
