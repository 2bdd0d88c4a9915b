// The feed refuses this page: it says so, keeps its list, and asks for it by itself instead.

export default async function refused({ page, url }) {
  const polled = page.waitForResponse((response) => new URL(response.url()).pathname === "/desk/calls");
  await page.goto(`${url}/`, { waitUntil: "load" });
  await polled;
  return page.evaluate(() => {
    const state = document.getElementById("feed-state");
    return { state: state.textContent === state.dataset.polled, calls: document.getElementById("calls").innerText };
  });
}
