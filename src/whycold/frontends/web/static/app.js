/* Everything here makes reading quicker; nothing needs it. */
"use strict";
(() => {
  const all = (what, within = document) => [...within.querySelectorAll(what)];
  const typing = (at) => at && (at.isContentEditable || /^(input|textarea|select)$/i.test(at.tagName));

  /* Theme: remembered in a cookie, so that the server draws the next page in it at once. */
  const choices = all("[data-theme-choice]");
  for (const link of choices) {
    link.addEventListener("click", (event) => {
      event.preventDefault();
      const name = link.dataset.themeChoice;
      const age = name ? 31536000 : 0;
      document.cookie = `whycold_theme=${name}; path=/; max-age=${age}; samesite=lax`;
      if (name) document.documentElement.dataset.theme = name;
      else delete document.documentElement.dataset.theme;
      for (const other of choices) other.toggleAttribute("aria-current", other === link);
      link.closest("details").open = false;
      const here = new URL(location.href);
      if (here.searchParams.has("theme")) {
        here.searchParams.delete("theme");
        history.replaceState(null, "", here);
      }
    });
  }

  /* Menus: one open at a time, closed by a click elsewhere or Escape. */
  const close = (but) => all("details.menu[open]").forEach((menu) => { if (menu !== but) menu.open = false; });
  document.addEventListener("click", (event) => close(event.target.closest("details.menu")));
  for (const menu of all("details.menu")) {
    menu.addEventListener("toggle", () => {
      const sheet = menu.querySelector(".sheet");
      if (!menu.open || !sheet) return;
      close(menu);
      sift(sheet);
      sheet.querySelector("input.sift")?.focus();
    });
  }

  /* A long menu can be searched. */
  function sift(sheet) {
    if (!("sift" in sheet.dataset) || sheet.querySelector("input.sift")) return;
    const field = document.createElement("input");
    field.className = "sift";
    field.placeholder = "Type to find";
    field.setAttribute("aria-label", "Type to find");
    field.addEventListener("input", () => {
      const wanted = field.value.toLowerCase();
      for (const link of all("a", sheet)) link.hidden = !link.textContent.toLowerCase().includes(wanted);
    });
    field.addEventListener("keydown", (event) => {
      if (event.key === "Enter") all("a", sheet).find((link) => !link.hidden)?.click();
    });
    sheet.prepend(field);
  }

  /* Keys. */
  const help = document.getElementById("help");
  let before = "";
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      close();
      if (typing(event.target)) event.target.blur();
    }
    if (typing(event.target) || event.ctrlKey || event.metaKey || event.altKey || help?.open) return;
    const after = before;
    before = "";
    if (after === "g") {
      const link = document.querySelector(`nav [data-key="${CSS.escape(event.key)}"]`);
      if (link) { event.preventDefault(); link.click(); }
    } else if (event.key === "g") {
      before = "g";
      setTimeout(() => { before = ""; }, 1500);
    } else if (event.key === "/") {
      const field = document.querySelector(".search input");
      if (field) { event.preventDefault(); field.focus(); field.select(); }
    } else if (event.key === "t") {
      document.querySelector(".range summary")?.click();
    } else if (event.key === "?") {
      help?.showModal();
    }
  });
  for (const button of all("[data-help]")) button.addEventListener("click", () => help?.showModal());
  help?.addEventListener("click", (event) => { if (event.target === help) help.close(); });

  /* Copying. */
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
    } catch {
      const field = document.createElement("textarea");
      field.value = button.dataset.copy;
      document.body.append(field);
      field.select();
      document.execCommand("copy");
      field.remove();
    }
    const words = button.textContent;
    button.textContent = "Copied";
    button.classList.add("done");
    setTimeout(() => { button.textContent = words; button.classList.remove("done"); }, 1500);
  });

  /* Another filter on the same page leaves the eye where it was. */
  const place = "whycold-scroll";
  try {
    const kept = JSON.parse(sessionStorage.getItem(place) || "null");
    sessionStorage.removeItem(place);
    if (kept && kept.path === location.pathname && !location.hash) scrollTo({ top: kept.top, behavior: "instant" });
  } catch { /* storage may be forbidden: then pages begin at their top */ }
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[href]");
    if (!link || link.pathname !== location.pathname || link.search === location.search) return;
    if (link.closest(".top, .pager")) return;
    try {
      sessionStorage.setItem(place, JSON.stringify({ path: location.pathname, top: scrollY }));
    } catch { /* as above */ }
  });
})();
