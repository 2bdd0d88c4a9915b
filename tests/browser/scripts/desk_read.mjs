// Reads the desk as somebody: what it says, where it leads, and whatever `look` finds.

import look from "./look.mjs";

export default async function read({ page, bearer, ...given }) {
  if (bearer) await page.setExtraHTTPHeaders({ Authorization: `Bearer ${bearer}` });
  const seen = await look({ page, ...given });
  const text = await page.$eval("main", (main) => main.innerText);
  const banner = await page.$$eval(".banner", (all) => all.map((one) => one.textContent));
  const links = await page.$$eval("main a", (all) => all.map((one) => one.getAttribute("href")));
  const announced = await page.$eval("#desk-announce", (one) => [one.getAttribute("role"), one.textContent]);
  const exports = (await page.$$("form[action='/export/appointments.csv']")).length;
  return { ...seen, text, banner, links, announced, exports };
}
