/* What charts do under the pointer: words beside it, a click that filters, a stretch that zooms. */
"use strict";
(() => {
  const tip = document.createElement("div");
  tip.className = "tip";
  tip.setAttribute("aria-hidden", "true");
  document.body.append(tip);

  /* Lines of data-tip: the title, then "class \t label \t value" each. */
  function fill(text) {
    const [title, ...rows] = text.split("\n");
    tip.replaceChildren();
    const head = document.createElement("strong");
    head.textContent = title;
    tip.append(head);
    for (const row of rows) {
      const [name, label, value] = row.split("\t");
      const line = document.createElement("div");
      if (name) {
        const dot = document.createElement("i");
        dot.className = `dot ${name}`;
        line.append(dot);
      }
      line.append(label);
      const number = document.createElement("b");
      number.textContent = value;
      line.append(number);
      tip.append(line);
    }
  }

  function move(event) {
    const box = tip.getBoundingClientRect();
    const left = event.clientX + 16 + box.width > innerWidth - 8 ? event.clientX - 16 - box.width : event.clientX + 16;
    const top = Math.min(Math.max(8, event.clientY - box.height / 2), innerHeight - box.height - 8);
    tip.style.left = `${Math.max(8, left)}px`;
    tip.style.top = `${top}px`;
  }

  let shown = null;
  document.addEventListener("pointermove", (event) => {
    const at = event.target.closest?.("[data-tip]");
    if (at !== shown) {
      shown = at;
      tip.classList.toggle("on", Boolean(at));
      if (at) fill(at.dataset.tip);
    }
    if (at) move(event);
  });
  document.addEventListener("scroll", () => { shown = null; tip.classList.remove("on"); }, { passive: true });

  for (const chart of document.querySelectorAll(".chart")) prepare(chart);

  function prepare(chart) {
    /* the browser's own words would cover ours */
    for (const title of chart.querySelectorAll("[data-tip] > title")) title.remove();
    const plot = chart.querySelector(".plot");
    const columns = [...chart.querySelectorAll(".column[data-since]")];
    if (!plot || !columns.length) return;
    const share = (event) => {
      const box = plot.getBoundingClientRect();
      return Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
    };
    let from = null;
    let band = null;
    plot.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || event.pointerType === "touch") return;
      from = share(event);
      event.preventDefault();
    });
    addEventListener("pointermove", (event) => {
      if (from === null) return;
      const to = share(event);
      if (!band && Math.abs(to - from) < 0.015) return;
      if (!band) {
        band = document.createElementNS("http://www.w3.org/2000/svg", "rect");
        band.setAttribute("class", "select");
        band.setAttribute("height", "100%");
        plot.append(band);
      }
      band.setAttribute("x", `${Math.min(from, to) * 100}%`);
      band.setAttribute("width", `${Math.abs(to - from) * 100}%`);
    });
    addEventListener("pointerup", (event) => {
      if (from === null) return;
      const ends = [from, share(event)].sort((a, b) => a - b);
      const zoomed = Boolean(band);
      from = null;
      band?.remove();
      band = null;
      if (zoomed) zoom(ends);
      else event.target.closest?.("[data-href]") && go(event.target.closest("[data-href]").dataset.href);
    });
    addEventListener("keydown", (event) => {
      if (event.key === "Escape") { from = null; band?.remove(); band = null; }
    });
    function zoom([start, end]) {
      const first = columns[Math.min(columns.length - 1, Math.floor(start * columns.length))];
      const last = columns[Math.min(columns.length - 1, Math.floor(end * columns.length))];
      const here = new URL(location.href);
      here.searchParams.set("since", first.dataset.since);
      here.searchParams.set("until", last.dataset.until);
      here.searchParams.delete("cursor");
      go(here.href);
    }
  }

  /* By way of a link, so that the place on the page is kept as for any other. */
  function go(target) {
    const link = document.createElement("a");
    link.href = target;
    link.hidden = true;
    document.body.append(link);
    link.click();
  }
})();
