// Figures are asked for only while somebody looks, and the list of calls only where the live feed does not bring it.
(() => {
  let fed = false;

  const say = () => {
    const state = document.getElementById("feed-state");
    if (state) state.textContent = fed ? state.dataset.live : state.dataset.polled;
  };
  const follow = (names, live) => {
    for (const name of names) {
      document.addEventListener(name, () => {
        fed = live;
        say();
      });
    }
  };
  follow(["htmx:sse:after:connection"], true);
  follow(["htmx:sse:before:connection", "htmx:sse:error", "htmx:sse:close"], false);
  say();

  document.addEventListener("htmx:before:request", (event) => {
    const poll = event.detail.ctx.sourceElement.dataset.poll;
    if (poll && (document.hidden || (poll === "unless-fed" && fed))) event.preventDefault();
  });

  const lost = (is) => () => {
    const notice = document.getElementById("desk-lost");
    if (notice) notice.hidden = !is;
  };
  document.addEventListener("htmx:error", lost(true));
  document.addEventListener("htmx:after:request", lost(false));
})();
