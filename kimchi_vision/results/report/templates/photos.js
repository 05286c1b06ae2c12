const dialog = document.getElementById("photos");
const matrix = document.querySelector(".matrix");
const gallery = document.getElementById("gallery");
const filters = document.getElementById("filters");
const more = document.getElementById("more");
const steps = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
const PAGE = 24;
let shown = PAGE;

function open(button) {
  const [actual, predicted] = [Number(button.dataset.actual), Number(button.dataset.predicted)];
  const behind = cells.filter((photo) => photo.actual === actual && photo.predicted === predicted);
  document.getElementById("photos-title").textContent = button.getAttribute("aria-label");
  dialog.querySelector(".photos").replaceChildren(...behind.map(figure));
  dialog.showModal();
  dialog.scrollTop = 0;
}

// The next number in the direction of an arrow key; cells without photos are passed over.
function neighbour(cell, [down, right]) {
  const rows = matrix.tBodies[0].rows;
  let [row, column] = [cell.parentNode.sectionRowIndex + down, cell.cellIndex + right];
  while (rows[row]?.cells[column]) {
    const button = rows[row].cells[column].querySelector("button");
    if (button) return button;
    [row, column] = [row + down, column + right];
  }
  return null;
}

// The photos that the filters leave, the worst first; only so many at a time.
function fill() {
  const which = filters.elements.which.value;
  const chosen = filters.elements.class.value;
  const sure = Number(filters.elements.sure.value) / 100;
  document.getElementById("least").textContent = `${filters.elements.sure.value} %`;
  const found = cells.filter(
    (photo) =>
      (which === "all" || (which === "right") === (photo.actual === photo.predicted)) &&
      (chosen === "" || photo.actual === Number(chosen) || photo.predicted === Number(chosen)) &&
      photo.sure >= sure,
  );
  gallery.replaceChildren(...found.slice(0, shown).map(figure));
  more.hidden = found.length <= shown;
  document.getElementById("shown").textContent = words.shown
    .replace("{shown}", Math.min(shown, found.length))
    .replace("{photos}", found.length);
}

matrix.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button) open(button);
});
matrix.addEventListener("keydown", (event) => {
  const next = steps[event.key] && neighbour(event.target.closest("td"), steps[event.key]);
  if (next) {
    event.preventDefault();
    next.focus();
  }
});
dialog.addEventListener("click", (event) => {
  if (event.target === dialog) dialog.close();
});
document.getElementById("shares").addEventListener("change", (event) => {
  for (const button of matrix.querySelectorAll("button")) {
    button.dataset.count ??= button.textContent;
    button.textContent = event.target.checked ? button.dataset.share : button.dataset.count;
  }
});
filters.addEventListener("input", () => {
  shown = PAGE;
  fill();
});
filters.addEventListener("submit", (event) => event.preventDefault());
more.addEventListener("click", () => {
  shown += 4 * PAGE;
  fill();
});
if (cells.every((photo) => photo.actual === photo.predicted)) filters.elements.which.value = "all";
fill();

// The contents show where the reader is.
const links = new Map([...document.querySelectorAll(".contents a:not(.name)")].map((a) => [a.hash.slice(1), a]));
const seen = new Set();
const watch = new IntersectionObserver(
  (entries) => {
    for (const entry of entries) {
      if (entry.isIntersecting) seen.add(entry.target.id);
      else seen.delete(entry.target.id);
    }
    const first = [...links.keys()].find((id) => seen.has(id));
    for (const [id, link] of links) link.setAttribute("aria-current", id === first);
  },
  { rootMargin: "-10% 0px -55% 0px" },
);
for (const id of links.keys()) watch.observe(document.getElementById(id));
