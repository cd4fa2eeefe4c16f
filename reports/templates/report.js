"use strict";
(() => {
  const find = (selector, root = document) => [...root.querySelectorAll(selector)];
  const byId = (id) => document.getElementById(id);

  for (const button of find("[data-copy]")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      const source = byId(button.dataset.copy);
      try {
        await navigator.clipboard.writeText(source.textContent);
        button.textContent = "Copied";
      } catch {
        getSelection().selectAllChildren(source);
        button.textContent = document.execCommand("copy") ? "Copied" : "Selected";
      }
      setTimeout(() => { button.textContent = "Copy"; }, 2000);
    });
  }

  const sortKey = (row, column) => {
    const cell = row.cells[column];
    if (!cell || cell.classList.contains("absent")) return null;
    if (cell.classList.contains("number")) return "sort" in cell.dataset ? Number(cell.dataset.sort) : null;
    return cell.textContent.trim();
  };
  const compare = (a, b, sign) => {
    if (a === null || b === null) return (a === null) - (b === null);
    return sign * (typeof a === "number" ? a - b : a.localeCompare(b));
  };
  for (const table of find("table.sortable")) {
    const heads = find("thead th", table);
    const body = table.tBodies[0];
    heads.forEach((head, column) => {
      const name = head.querySelector("span");
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = name.textContent;
      name.replaceWith(button);
      button.addEventListener("click", () => {
        const rising = head.getAttribute("aria-sort") !== "ascending";
        for (const other of heads) other.removeAttribute("aria-sort");
        head.setAttribute("aria-sort", rising ? "ascending" : "descending");
        const keyed = [...body.rows].map((row) => [sortKey(row, column), row]);
        keyed.sort((a, b) => compare(a[0], b[0], rising ? 1 : -1));
        body.append(...keyed.map((pair) => pair[1]));
      });
    });
  }

  addEventListener("beforeprint", () => { for (const item of find("details.cause")) item.open = true; });

  const list = document.querySelector(".list");
  if (!list) return;
  const rows = find(".row", list);
  const search = byId("search");
  const help = byId("help");
  const shown = byId("shown");
  const said = shown.textContent;
  const visibleRows = () => rows.filter((row) => row.offsetParent !== null);
  document.querySelector(".finder").hidden = false;

  const tell = () => { const listed = visibleRows().length; shown.textContent = `${listed || "No"} ${listed === 1 ? "row matches" : "rows match"}. ${said}`; };
  search.addEventListener("input", () => {
    const wanted = search.value.toLowerCase();
    for (const row of rows) row.hidden = !row.textContent.toLowerCase().includes(wanted);
    tell();
  });
  const filters = find("[name=filter]");
  for (const filter of filters) filter.addEventListener("change", tell);

  let current = null;
  const step = (by) => {
    const listed = visibleRows();
    if (!listed.length) return;
    const place = listed.indexOf(current);
    const next = listed[place < 0 ? (by > 0 ? 0 : listed.length - 1) : Math.min(listed.length - 1, Math.max(0, place + by))];
    if (current && current !== next) current.open = false;
    current = next;
    next.open = true;
    next.querySelector("summary").focus();
    next.scrollIntoView({ block: "nearest" });
  };
  const toggleHelp = () => {
    help.hidden = !help.hidden;
    byId("help-button").setAttribute("aria-expanded", String(!help.hidden));
  };
  byId("next").addEventListener("click", () => step(1));
  byId("previous").addEventListener("click", () => step(-1));
  byId("help-button").addEventListener("click", toggleHelp);
  const keys = {
    "/": () => { search.focus(); search.select(); },
    j: () => step(1),
    k: () => step(-1),
    f: () => { const at = filters.findIndex((f) => f.checked); const to = filters[(at + 1) % filters.length]; to.click(); to.focus(); },
    d: () => byId("word-diff").click(),
    "?": toggleHelp,
  };
  addEventListener("keydown", (event) => {
    const typing = event.target.matches("input[type=search], textarea, select");
    if (typing && event.key === "Escape") { search.value = ""; search.dispatchEvent(new Event("input")); search.blur(); }
    if (typing || event.ctrlKey || event.metaKey || event.altKey || !byId("keys-on").checked) return;
    if (Object.hasOwn(keys, event.key)) { event.preventDefault(); keys[event.key](); }
  });
})();
