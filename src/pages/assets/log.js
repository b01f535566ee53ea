// A log: goes on while the job runs, and finds the line that an address names. Everything but that works without it.
"use strict";

(() => {
  const log = document.getElementById("log");
  if (!log) return;

  /** Rows that stay in the page while it follows; older ones are one click away. */
  const ROWS = 5000;

  /** The row that the address names is shown, or the part of the log that has it is fetched. */
  function find() {
    const name = /^#L(\d+)$/.exec(location.hash);
    for (const row of log.querySelectorAll(".hit")) row.classList.remove("hit");
    if (!name) return;
    const row = document.getElementById(`L${name[1]}`);
    const query = new URLSearchParams(location.search);
    if (!row && query.get("line") !== name[1]) {
      query.set("line", name[1]);
      location.replace(`?${query}#L${name[1]}`);
    } else if (row) {
      for (let around = row.closest("details"); around; around = around.parentElement.closest("details")) {
        around.open = true;
      }
      row.classList.add("hit");
      row.scrollIntoView({ block: "center" });
    }
  }

  log.addEventListener("click", (event) => {
    const link = event.target.closest("a.n");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
    event.preventDefault();
    const attempt = new URLSearchParams(location.search).get("attempt");
    const query = new URLSearchParams(attempt ? { attempt } : {});
    query.set("line", link.textContent);
    history.replaceState(null, "", `?${query}#L${link.textContent}`);
    for (const row of log.querySelectorAll(".hit")) row.classList.remove("hit");
    link.parentElement.classList.add("hit");
  });

  addEventListener("hashchange", find);
  find();

  if (log.dataset.follow === undefined) return;

  const tail = document.getElementById("tail");
  const button = document.getElementById("follow");
  let following = !location.hash;
  button.hidden = false;

  function follow(on) {
    following = on;
    button.setAttribute("aria-pressed", String(on));
    if (on) scrollTo(0, document.documentElement.scrollHeight);
  }

  button.addEventListener("click", () => follow(!following));
  // Whoever scrolls up wants to read.
  addEventListener("wheel", (event) => event.deltaY < 0 && follow(false), { passive: true });
  addEventListener("touchmove", () => follow(false), { passive: true });
  addEventListener("keydown", (event) => {
    if (["PageUp", "ArrowUp", "Home"].includes(event.key)) follow(false);
  });
  follow(following);

  /** What rows are added to: the innermost section that is open. */
  let inner = log;
  for (const section of log.querySelectorAll("details[data-open]")) inner = section;

  function fragment(html) {
    const template = document.createElement("template");
    template.innerHTML = html;
    return template.content;
  }

  function add(...nodes) {
    if (inner === log) tail.before(...nodes);
    else inner.append(...nodes);
  }

  function seconds(length) {
    if (length < 60) return `${length} s`;
    if (length < 3600) return `${Math.floor(length / 60)} min ${String(length % 60).padStart(2, "0")} s`;
    return `${Math.floor(length / 3600)} h ${String(Math.floor(length / 60) % 60).padStart(2, "0")} min`;
  }

  const does = {
    row: ({ html }) => add(fragment(html)),
    open: ({ html, collapsed }) => {
      const section = document.createElement("details");
      section.className = "s";
      section.open = !collapsed;
      const head = document.createElement("summary");
      head.append(fragment(html));
      section.append(head);
      add(section);
      inner = section;
    },
    close: ({ seconds: length }) => {
      if (inner === log) return;
      const took = document.createElement("span");
      took.className = "took";
      took.textContent = seconds(length);
      inner.firstElementChild.append(took);
      inner.removeAttribute("data-open");
      inner = inner.parentElement.closest("details") ?? log;
    },
  };

  /** Takes the oldest rows out; a section that is empty then goes too. */
  function trim() {
    const rows = log.querySelectorAll("div.r");
    for (let at = 0; at < rows.length - ROWS; at += 1) {
      const section = rows[at].parentElement;
      rows[at].remove();
      if (section !== log && section !== inner && !section.querySelector(".r, details")) section.remove();
    }
  }

  document.addEventListener("aqueduct-rows", (event) => {
    const { ops, tail: html, skipped } = JSON.parse(event.detail);
    document.getElementById("log-empty")?.remove();
    // What the server said of its length is no longer so.
    if (ops.length) document.getElementById("log-size")?.replaceChildren();
    if (skipped) {
      log.replaceChildren(tail);
      inner = log;
    }
    for (const op of ops) does[op.op](op);
    tail.innerHTML = html;
    trim();
    if (following) scrollTo(0, document.documentElement.scrollHeight);
  });
  document.addEventListener("aqueduct-end", () => {
    button.hidden = true;
  });
})();
