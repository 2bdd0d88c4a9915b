// The desk where no script runs.

export default async function plain({ page, url }) {
  await page.goto(`${url}/?lang=en`, { waitUntil: "load" });
  return { html: await page.content() };
}
