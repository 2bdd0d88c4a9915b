// The desk stays open while somebody books: its figures move, the list of calls grows, and the reader stays where they were.

const SOON = { polling: 100 };

const value = (page, name) =>
  page.$$eval(
    ".desk-card",
    (cards, name) =>
      cards
        .filter((card) => card.querySelector(".desk-name").textContent === name)
        .map((card) => card.querySelector(".figure").textContent)[0],
    name,
  );

export default async function live({ page, url, body, name, call_id }) {
  const asked = [];
  page.on("request", (request) => asked.push(new URL(request.url()).pathname));
  await page.goto(`${url}/`, { waitUntil: "load" });
  await page.waitForFunction(() => {
    const state = document.getElementById("feed-state");
    return state.textContent && state.textContent === state.dataset.live;
  }, SOON);
  const before = await value(page, name);
  await page.focus(".desk-card[href='#layers']");
  const place = () =>
    page.evaluate(() => {
      const element = document.activeElement;
      return [element.getAttribute("href"), Math.round(element.getBoundingClientRect().top)];
    });
  await page.evaluate(() => scrollBy(0, 100));
  const were = await place();
  const answer = await fetch(`${url}/api/retell/collect-appointment`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  const said = await answer.json();
  await page.waitForFunction((id) => document.getElementById("calls").textContent.includes(id), SOON, call_id);
  await page.waitForFunction(
    (name) =>
      [...document.querySelectorAll(".desk-card")].some(
        (card) =>
          card.querySelector(".desk-name").textContent === name && card.querySelector(".figure").textContent === "1",
      ),
    SOON,
    name,
  );
  const link = await page.$$eval("#calls a", (all) => all.map((one) => one.getAttribute("href")));
  const are = await place();
  const today = await page.$eval("#today", (title) => title.parentElement.innerText);
  const first = await page.$("#first");
  return { first: first !== null, said: said.status, before, link, were, are, today, polled: asked.includes("/desk/calls") };
}
