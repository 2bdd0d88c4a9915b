// Goes through one act: the page of the intent, the page that asks whether it is meant, twice in two tabs, and done.

export default async function act({ page, open, url, path, act, field, javascript, shot }) {
  const href = `${path}/${act}`;
  await page.goto(url + path, { waitUntil: "load" });
  await Promise.all([page.waitForNavigation(), page.click(`a[href="${href}"]`)]);
  if (shot) await page.screenshot({ path: shot, fullPage: true });
  const asked = await page.$eval("main", (main) => main.innerText);
  const other = await open({ javascript });
  await other.goto(url + href, { waitUntil: "load" });
  const ended = [];
  for (const tab of [page, other]) {
    await tab.bringToFront();
    if (field) await tab.$eval("#uid", (input, value) => (input.value = value), field);
    await Promise.all([tab.waitForNavigation(), tab.click("form.act button")]);
    ended.push([new URL(tab.url()).pathname, await tab.$eval("main", (main) => main.innerText)]);
  }
  return { asked, ended };
}
