// The page works without this script. It keeps the names of workers in sight while a timeline is scrolled
// sideways, and lets the arrow keys step from bar to bar; the text of the bar is shown below.
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
