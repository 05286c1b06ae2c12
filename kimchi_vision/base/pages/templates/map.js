// A map of photos: the one nearest to the pointer is shown; a press keeps it, with those most like it.
{
  const SVG = "http://www.w3.org/2000/svg";
  const [WIDTH, HEIGHT, EDGE, REACH] = [1000, 780, 20, 60];
  const ARROWS = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] };
  const plane = document.getElementById("plane");
  const beside = document.getElementById("beside");
  const legend = document.getElementById("legend");
  const points = read("points").map(([cell, x, y, near]) => ({
    photo: cells[cell],
    x: EDGE + x * (WIDTH - 2 * EDGE),
    y: EDGE + y * (HEIGHT - 2 * EDGE),
    near,
  }));
  let kept = points.find(({ photo }) => photo.actual !== photo.predicted) ?? points[0];

  for (const point of points) {
    point.circle = document.createElementNS(SVG, "circle");
    point.circle.setAttribute("cx", point.x);
    point.circle.setAttribute("cy", point.y);
    point.circle.style.setProperty("--hue", (360 * point.photo.actual) / words.vocab.length);
    point.circle.classList.toggle("wrong", point.photo.actual !== point.photo.predicted);
  }
  // Mistakes lie above the others.
  const circles = points.map((point) => point.circle);
  circles.sort((one, other) => one.classList.contains("wrong") - other.classList.contains("wrong"));
  plane.append(...circles);

  const show = (point, similar) => {
    for (const each of points) each.circle.classList.remove("shown", "near");
    point.circle.classList.add("shown");
    beside.replaceChildren(figure(point.photo));
    if (!similar) return;
    const near = point.near.map((number) => points[number]);
    for (const each of near) each.circle.classList.add("near");
    element("h3", words.similar, beside);
    const photos = element("div", "", beside);
    photos.className = "photos";
    photos.append(...near.map((each) => figure(each.photo)));
  };
  const keep = (point) => show((kept = point), true);
  const nearest = (x, y, found = points) =>
    found.reduce((best, each) => (Math.hypot(each.x - x, each.y - y) < Math.hypot(best.x - x, best.y - y) ? each : best));
  const under = (event) => {
    const place = new DOMPoint(event.clientX, event.clientY).matrixTransform(plane.getScreenCTM().inverse());
    const point = nearest(place.x, place.y);
    return Math.hypot(point.x - place.x, point.y - place.y) < REACH ? point : null;
  };

  plane.addEventListener("pointermove", (event) => {
    const point = under(event);
    if (point && event.pointerType === "mouse") show(point, point === kept);
  });
  plane.addEventListener("pointerleave", () => keep(kept));
  plane.addEventListener("click", (event) => keep(under(event) ?? kept));
  plane.addEventListener("keydown", (event) => {
    const arrow = ARROWS[event.key];
    if (!arrow) return;
    event.preventDefault();
    const there = points.filter((each) => {
      const [x, y] = [each.x - kept.x, each.y - kept.y];
      const along = x * arrow[0] + y * arrow[1];
      return along > 0 && along >= Math.abs(x * arrow[1] + y * arrow[0]);
    });
    if (there.length) keep(nearest(kept.x, kept.y, there));
  });
  legend.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    const pressed = button.getAttribute("aria-pressed") !== "true";
    for (const each of legend.children) each.setAttribute("aria-pressed", pressed && each === button);
    const chosen = Number(button.value);
    for (const each of points) each.circle.classList.toggle("dim", pressed && each.photo.actual !== chosen);
  });
  keep(kept);
}
