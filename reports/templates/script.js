// The page works without this script. It keeps the names of workers in sight while a timeline is scrolled
// sideways, lets the arrow keys step from bar to bar (the text of the bar is shown below), sorts tables, and
// shows what a figure means also where there is no pointer to rest on it.
"use strict";
for (const frame of document.querySelectorAll(".frame")) {
  const text = frame.parentElement.querySelector("output");
  const names = frame.querySelectorAll(".name");
  frame.addEventListener("scroll", () => {
    for (const name of names) name.setAttribute("transform", `translate(${frame.scrollLeft})`);
  }, { passive: true });
  const bars = [...frame.querySelectorAll(".bar")];
  let chosen = -1;
  const choose = (number) => {
    bars[chosen]?.classList.remove("chosen");
    chosen = number;
    bars[chosen].classList.add("chosen");
    if (text) text.textContent = bars[chosen].querySelector("title").textContent;
  };
  frame.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step || !bars.length || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    choose(Math.min(Math.max(chosen + step, 0), bars.length - 1));
    const bar = bars[chosen].getBoundingClientRect(), view = frame.getBoundingClientRect();
    if (bar.left < view.left || bar.right > view.right) frame.scrollLeft += bar.left - view.left - 24;
  });
  frame.addEventListener("click", (event) => {
    const bar = event.target.closest(".bar");
    if (bar) choose(bars.indexOf(bar));
  });
}

// A column sorts by `data-value` where its cells have one, else by their text; what has none comes last.
for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows[0].cells], body = table.tBodies[0];
  const key = (row, column) => {
    const cell = row.cells[column];
    return cell.dataset.value ?? cell.textContent.trim().toLowerCase();
  };
  const sort = (head, column) => {
    const down = head.getAttribute("aria-sort") !== "descending"
      && (head.classList.contains("number") || head.hasAttribute("aria-sort"));
    for (const other of heads) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const compare = new Intl.Collator("en", { numeric: true }).compare;
    const order = (a, b) => (isNaN(a) || isNaN(b) ? compare(a, b) : a - b) * (down ? -1 : 1);
    const keyed = [...body.rows].map((row) => [key(row, column), row]);
    keyed.sort(([a], [b]) => (a === "") - (b === "") || order(a, b));
    body.append(...keyed.map(([, row]) => row));
  };
  heads.forEach((head, column) => {
    if (head.classList.contains("unsorted") || !head.textContent.trim()) return;
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => sort(head, column));
  });
}

// One tooltip for the page, beside whatever has a title and is pointed at, tapped, or reached by the keyboard.
{
  const tip = document.createElement("div");
  tip.className = "tip";
  tip.id = "tip";
  tip.role = "tooltip";
  let shown = null;
  const hide = () => {
    if (!shown) return;
    shown.title = tip.textContent;
    shown.removeAttribute("aria-describedby");
    tip.remove();
    shown = null;
  };
  const show = (event) => {
    const of = event.target.closest?.("[title]:not(button)");
    if (!of || !of.title || of === shown) return;
    hide();
    shown = of;
    tip.textContent = of.title;
    of.removeAttribute("title");  // the browser would show it as well
    of.setAttribute("aria-describedby", "tip");
    document.body.append(tip);
    const at = of.getBoundingClientRect(), own = tip.getBoundingClientRect();
    const right = document.documentElement.clientWidth - own.width - 8;
    const below = at.bottom + 6 + own.height < innerHeight || at.top < own.height + 6;
    tip.style.left = `${Math.max(8, Math.min(at.left, right))}px`;
    tip.style.top = `${below ? at.bottom + 6 : at.top - own.height - 6}px`;
  };
  document.addEventListener("pointerover", (event) => {
    if (shown && !shown.contains(event.target)) hide();
    show(event);
  });
  document.addEventListener("focusin", show);
  document.addEventListener("focusout", hide);
  document.addEventListener("scroll", hide, { passive: true, capture: true });
  document.addEventListener("keydown", (event) => event.key === "Escape" && hide());
  addEventListener("beforeprint", hide);
}
