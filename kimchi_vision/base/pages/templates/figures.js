const read = (id) => JSON.parse(document.getElementById(id).textContent);
const cells = read("cells");
const words = read("words");

function element(name, text, parent) {
  const made = document.createElement(name);
  made.textContent = text;
  parent.append(made);
  return made;
}

function picture(source, alt, parent) {
  Object.assign(element("img", "", parent), { src: source, alt });
}

function figure(photo) {
  const made = document.createElement("figure");
  const right = photo.actual === photo.predicted;
  made.className = right ? "right" : "wrong";
  const pictures = element("div", "", made);
  const said = `${words.vocab[photo.predicted]} ${photo.probability ?? ""}`;
  if (photo.picture) picture(photo.picture, said, pictures);
  if (photo.overlay) picture(photo.overlay, words.overlay, pictures);
  const caption = element("figcaption", "", made);
  element("b", said, caption);
  if (!right) element("div", `${words.actual}: ${words.vocab[photo.actual]}`, caption);
  const file = photo.path.split("/").pop();
  element("small", photo.loss ? `${words.loss} ${photo.loss} · ${file}` : file, caption).title = photo.path;
  return made;
}
