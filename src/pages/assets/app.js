// Keeps a page as new as the coordinator's state: times that pass, and parts that are fetched again when something happened.
// Everything works without it.
"use strict";

(() => {
  const units = [
    [86400, "d"],
    [3600, "h"],
    [60, "min"],
    [1, "s"],
  ];

  /** The greatest unit alone, as the server says it. */
  function rough(seconds) {
    const [length, name] = units.find(([length]) => seconds >= length) ?? [1, "s"];
    return `${Math.floor(seconds / length)} ${name}`;
  }

  function tellTimes() {
    const now = Date.now();
    for (const time of document.querySelectorAll("main time[datetime]:not(.t)")) {
      const seconds = (now - Date.parse(time.dateTime)) / 1000;
      if (Number.isNaN(seconds) || seconds > 30 * 86400) continue;
      let text = `${rough(seconds)} ago`;
      if (seconds < 0) text = `in ${rough(-seconds)}`;
      else if (seconds < 10) text = "just now";
      if (time.textContent !== text) time.textContent = text;
    }
  }

  setInterval(tellTimes, 5000);

  const announce = document.getElementById("announce");

  /** Replaces the parts that a newer version of the page has, without losing focus or what is unfolded. */
  function take(newer) {
    for (const part of document.querySelectorAll("[data-live]")) {
      const next = newer.getElementById(part.id);
      if (!next || next.innerHTML === part.innerHTML) continue;
      const said = part.querySelector("[data-announce]")?.dataset.announce;
      const focused = part.contains(document.activeElement) ? document.activeElement : null;
      const scrolled = part.querySelector(".graph")?.scrollLeft;
      part.replaceChildren(...next.childNodes);
      if (scrolled) part.querySelector(".graph")?.scrollTo(scrolled, 0);
      if (focused) refocus(part, focused);
      const says = part.querySelector("[data-announce]")?.dataset.announce;
      if (says && says !== said && announce) announce.textContent = says;
    }
    if (newer.title) document.title = newer.title;
    tellTimes();
  }

  function refocus(part, focused) {
    const same = (element) =>
      focused.id ? element.id === focused.id : element.href && element.href === focused.href;
    const found = [...part.querySelectorAll("a, button, [tabindex]")].find(same);
    (found ?? document.getElementById("main")).focus({ preventScroll: true });
  }

  let wanted = false;
  let fetching = false;

  async function refresh() {
    wanted = true;
    if (fetching) return;
    fetching = true;
    while (wanted) {
      wanted = false;
      try {
        const answer = await fetch(document.body.dataset.refresh ?? location.href, {
          headers: { accept: "text/html" },
        });
        if (answer.redirected && new URL(answer.url).pathname === "/login") location.reload();
        if (answer.ok) {
          const text = await answer.text();
          take(new DOMParser().parseFromString(text, "text/html"));
        }
      } catch {
        // The connection of events tells when the coordinator is back.
      }
      await new Promise((done) => setTimeout(done, 400));
    }
    fetching = false;
  }

  // One connection a page, and none for a page that nobody looks at: browsers open few to one host.
  const address = document.body.dataset.events;
  const live = document.getElementById("live");
  let source = null;
  let last = null;

  /** Listens, from where an earlier connection was. */
  function listen() {
    if (source || document.hidden) return;
    const url = new URL(address, location.href);
    if (last) url.searchParams.set("from", last);
    source = new EventSource(url);
    source.addEventListener("open", () => {
      live.hidden = false;
    });
    source.addEventListener("error", () => {
      live.hidden = true;
    });
    source.addEventListener("change", refresh);
    for (const name of ["rows", "end"]) {
      source.addEventListener(name, (event) => {
        last = event.lastEventId || last;
        document.dispatchEvent(new CustomEvent(`aqueduct-${name}`, { detail: event.data }));
      });
    }
  }

  function leave() {
    source?.close();
    source = null;
    live.hidden = true;
  }

  if (address && live) {
    document.addEventListener("visibilitychange", () => (document.hidden ? leave() : listen()));
    addEventListener("pagehide", leave);
    addEventListener("pageshow", listen);
    listen();
  }
})();
