// The evidence page of a call: what is marked, what is masked, and what the button that shows names does.

export default async function evidence({ page, url, path, shot }) {
  const read = () => page.$eval("main", (main) => main.innerText);
  await page.goto(url + path, { waitUntil: "load" });
  const masked = await read();
  const rows = await page.$$eval("table.sides tr[data-field]", (found) =>
    found.map((row) => [row.dataset.field, row.classList.contains("differs"), row.querySelector(".fits").innerText]),
  );
  const links = await page.$$eval(".whose a", (found) => found.map((link) => link.getAttribute("href")));
  const button = await page.$("form[method=post] button");
  let revealed = null;
  if (button) {
    await Promise.all([page.waitForNavigation(), button.click()]);
    revealed = await read();
    if (shot) await page.screenshot({ path: shot, fullPage: true });
  }
  await page.goto(url + path, { waitUntil: "load" });
  return { masked, rows, links, revealed, again: await read() };
}
