const read = (id) => JSON.parse(document.getElementById(id).textContent);
const cells = read("cells");
const words = read("words");
const dialog = document.getElementById("photos");
const matrix = document.querySelector(".matrix");
const steps = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

function element(name, text, parent) {
  const made = document.createElement(name);
  made.textContent = text;
  parent.append(made);
  return made;
}

function figure(photo) {
  const made = document.createElement("figure");
  if (photo.picture) {
    const image = element("img", "", made);
    image.src = photo.picture;
    image.alt = photo.path;
  }
  const caption = element("figcaption", "", made);
  element("div", photo.path.split("/").pop(), caption).title = photo.path;
  element("div", `${words.probability} ${photo.probability}, ${words.loss} ${photo.loss}`, caption);
  return made;
}

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
