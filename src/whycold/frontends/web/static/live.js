/* New rows appear at the top of a list. Nothing is asked for while nobody looks. */
"use strict";
(() => {
  const head = document.querySelector("[data-live]");
  const body = head?.closest("section").querySelector("tbody");
  if (!body) return;
  const EVERY = 5000, MOST = 500;
  const news = head.querySelector(".news");
  let timer = 0, asking = false, fresh = 0;

  const row = (call) => body.querySelector(`[data-call="${CSS.escape(call)}"]`);

  /* A row is put where it stands in the answer: a call that took long is told late. */
  function put(rows) {
    let above = null, count = 0;
    for (const one of rows) {
      const known = row(one.dataset.call);
      if (!known) {
        one.classList.add("fresh");
        if (above) above.after(one);
        else body.prepend(one);
        count += 1;
      }
      above = known ?? one;
    }
    while (body.rows.length > MOST) body.rows[body.rows.length - 1].remove();
    return count;
  }

  async function ask() {
    if (document.hidden || asking) return;
    asking = true;
    try {
      const address = new URL(head.dataset.live, location.href);
      address.searchParams.set("seen", head.dataset.seen);
      const answer = await fetch(address, { credentials: "same-origin" });
      if (!answer.ok) throw new Error(answer.statusText);
      const found = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("table");
      head.dataset.seen = found.dataset.seen;
      fresh += put([...found.tBodies[0].rows]);
      if (fresh) news.textContent = `${fresh} new · `;
      head.classList.remove("lost");
    } catch {
      head.classList.add("lost");
    } finally {
      asking = false;
    }
  }

  function watch() {
    clearInterval(timer);
    if (document.hidden) return;
    timer = setInterval(ask, EVERY);
  }
  document.addEventListener("visibilitychange", () => { watch(); ask(); });
  watch();
})();
