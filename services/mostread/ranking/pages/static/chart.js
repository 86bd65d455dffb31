/* Shows the numbers under the pointer below the chart, and zooms into the part it drags over: the
   service draws the chart, so a part of it is another address. */
const container = document.getElementById("chart");
const readout = container.querySelector(".readout");
const help = readout.firstElementChild;
const value = document.createElement("span");
value.className = "value";

let first = null;

const cellAt = (event) => event.target.closest?.(".cells rect");
const cells = () => [...container.querySelectorAll(".cells rect")];

function between(from, to) {
  const all = cells();
  const [low, high] = [all.indexOf(from), all.indexOf(to)].sort((a, b) => a - b);
  return low < 0 ? [] : all.slice(low, high + 1);
}

function choose(chosen) {
  for (const cell of cells()) cell.classList.toggle("chosen", chosen.includes(cell));
}

container.addEventListener("pointermove", (event) => {
  const cell = cellAt(event);
  if (!cell) return;
  value.textContent = cell.textContent;
  readout.replaceChildren(value);
  if (first) choose(between(first, cell));
});

container.addEventListener("pointerleave", () => {
  readout.replaceChildren(help);
  first = null;
  choose([]);
});

container.addEventListener("pointerdown", (event) => {
  const cell = cellAt(event);
  if (!cell || event.button !== 0 || event.pointerType === "touch") return;
  /* Dragging would select the texts of the page. */
  event.preventDefault();
  first = cell;
});

container.addEventListener("pointerup", (event) => {
  const cell = cellAt(event);
  const chosen = first && cell ? between(first, cell) : [];
  first = null;
  choose([]);
  if (chosen.length < 2) return;
  const address = new URL(location);
  address.searchParams.delete("over");
  address.searchParams.set("from", chosen[0].dataset.start);
  address.searchParams.set("to", chosen.at(-1).dataset.end);
  location.assign(address);
});

/* The chart was drawn again while the pointer was down. */
document.addEventListener("renewed", () => {
  if (first && !first.isConnected) first = null;
});
