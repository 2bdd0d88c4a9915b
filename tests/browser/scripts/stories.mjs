// Looks at several pages, one after the other, in one browser: as look.mjs at one. `pages` are [name, path, given].

import look from "./look.mjs";

export default async function stories({ page, url, pages, width, height }) {
  const seen = {};
  for (const [name, path, { shot, dark }] of pages) {
    await page.setViewport({ width, height, deviceScaleFactor: 1 });
    await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: dark ? "dark" : "light" }]);
    seen[name] = await look({ page, url, path, shot });
  }
  return seen;
}
