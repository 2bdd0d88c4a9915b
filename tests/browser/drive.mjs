// One run of one script in a real browser: `node drive.mjs '{"script": "...", "url": "...", "width": 1280, ...}'`.
// The script's default export gets the page and what it was given, and returns what it saw, which is printed as JSON.
// Whatever goes elsewhere, or is refused by the content security policy, is told as well: the tests want none of it.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import puppeteer from "puppeteer-core";

const given = JSON.parse(process.argv[2]);
const profile = mkdtempSync(join(tmpdir(), "einmal-chromium-"));
const browser = await puppeteer.launch({
  executablePath: given.chromium,
  userDataDir: profile,
  headless: true,
  args: [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
  ],
});
const elsewhere = [];
const troubles = [];

// A page that watches itself: `open` makes one more, as another tab of the same browser.
async function open({ width = 1280, height = 900, javascript = true, dark = false } = {}) {
  const page = await browser.newPage();
  await page.setViewport({ width, height, deviceScaleFactor: 1 });
  await page.setJavaScriptEnabled(javascript);
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: dark ? "dark" : "light" }]);
  page.setDefaultTimeout(15_000);
  page.on("request", (request) => {
    const url = request.url();
    if (!url.startsWith(given.url) && !url.startsWith("data:") && url !== "about:blank") elsewhere.push(url);
  });
  page.on("console", (message) => {
    if (message.type() === "error") troubles.push(message.text());
  });
  page.on("pageerror", (error) => troubles.push(String(error)));
  page.on("dialog", (dialog) => dialog.accept());
  return page;
}

let result;
let failed;
try {
  const { default: script } = await import(new URL(`scripts/${given.script}`, import.meta.url).href);
  const page = await open({ width: given.width, height: given.height, dark: given.dark, javascript: given.javascript });
  result = await script({ page, open, browser, ...given });
} catch (error) {
  failed = error.stack ?? String(error);
} finally {
  await browser.close();
  rmSync(profile, { recursive: true, force: true });
}
process.stdout.write(JSON.stringify({ result: result ?? null, failed: failed ?? null, elsewhere, troubles }));
