// Looks at one page of the documentation's site. `search` types into its search and tells what it found.

import look from "./look.mjs";

export default async function read({ page, search, dark, ...given }) {
  const seen = await look({ page, ...given });
  const found = [];
  if (search) {
    await page.evaluate(() => document.querySelector("#__search").click());
    await page.type(".md-search__input", search);
    await page.waitForSelector(".md-search-result__link");
    found.push(...(await page.$$eval(".md-search-result__link", (all) => all.map((one) => one.getAttribute("href")))));
  }
  const scheme = await page.$eval("body", (body) => body.getAttribute("data-md-color-scheme"));
  const heads = await page.$$eval("h1", (all) => all.map((one) => one.textContent));
  return { ...seen, found, scheme, heads, dark: dark === true };
}
