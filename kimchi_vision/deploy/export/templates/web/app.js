// Photos are classified on this device; nothing is sent anywhere.
import * as ort from "./ort.wasm.bundle.min.mjs";

const TEXTS = {
  en: {
    loading: "Loading the model, once. It stays on this device.",
    drop: "Choose, drop or paste a photo",
    choose: "Choose a photo",
    camera: "Camera",
    shoot: "Take the photo",
    unknown: "I don't know",
    unsure: "None of the classes is sure enough. It looks most like:",
    took: (ms) => `${Math.round(ms)} ms on this device`,
    size: "Model",
    full: (mb) => `Exact, ${mb} MB`,
    small: (mb, lost, low, high) => `Smaller, ${mb} MB; loses ${lost} % of accuracy (${low} to ${high})`,
    private: "Photos stay on this device. Works without a network.",
    unreadable: "This file cannot be read as a photo. Save it as JPEG or PNG.",
    nocamera: "The camera cannot be used here. Choose a photo instead.",
    broken: "The model could not be loaded. Reload the page with a network.",
  },
  ko: {
    loading: "모델을 불러오는 중입니다. 한 번만 받으면 이 기기에 남습니다.",
    drop: "사진을 고르거나, 끌어 놓거나, 붙여 넣으세요",
    choose: "사진 고르기",
    camera: "카메라",
    shoot: "찍기",
    unknown: "모르겠습니다",
    unsure: "확실한 클래스가 없습니다. 가장 비슷한 것:",
    took: (ms) => `이 기기에서 ${Math.round(ms)}ms`,
    size: "모델",
    full: (mb) => `원본, ${mb}MB`,
    small: (mb, lost, low, high) => `작은 모델, ${mb}MB, 정확도 ${lost}%p 손실(${low} ~ ${high})`,
    private: "사진은 이 기기를 떠나지 않습니다. 네트워크 없이도 동작합니다.",
    unreadable: "사진으로 읽을 수 없는 파일입니다. JPEG나 PNG로 저장해 주세요.",
    nocamera: "카메라를 쓸 수 없습니다. 사진을 고르세요.",
    broken: "모델을 불러오지 못했습니다. 네트워크에 연결한 뒤 새로 고치세요.",
  },
};
const lang = navigator.language.toLowerCase().startsWith("ko") ? "ko" : "en";
const say = TEXTS[lang];
const $ = (id) => document.getElementById(id);
const TOP = 5;
let about, session, stream;

document.documentElement.lang = lang;
for (const each of document.querySelectorAll("[data-says]")) each.textContent = say[each.dataset.says];
ort.env.wasm.wasmPaths = { wasm: new URL("ort-wasm-simd-threaded.wasm", import.meta.url).href };
ort.env.wasm.numThreads = self.crossOriginIsolated ? Math.min(4, navigator.hardwareConcurrency) : 1;
ort.env.logLevel = "error";

/** The bytes of a file, with the bar on the way. */
async function fetched(name) {
  const response = await fetch(name);
  if (!response.ok) throw new Error(response.statusText);
  const all = Number(response.headers.get("content-length"));
  const parts = [];
  let size = 0;
  const reader = response.body.getReader();
  for (let part; !(part = await reader.read()).done; ) {
    parts.push(part.value);
    size += part.value.length;
    if (all) $("progress").value = size / all;
  }
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}

async function load(name) {
  $("loading").hidden = false;
  $("main").hidden = true;
  const made = await ort.InferenceSession.create(await fetched(name), { executionProviders: ["wasm"] });
  await session?.release();
  session = made;
  $("loading").hidden = true;
  $("main").hidden = false;
}

/** Upright RGB pixels on white, as they are in the photo: the model resizes by itself. */
function pixels(picture, width, height) {
  const canvas = $("photo");
  [canvas.width, canvas.height] = [width, height];
  const context = canvas.getContext("2d", { willReadFrequently: true, alpha: false });
  context.fillStyle = "#fff";
  context.fillRect(0, 0, width, height);
  context.drawImage(picture, 0, 0, width, height);
  const coloured = context.getImageData(0, 0, width, height).data;
  const plain = new Uint8Array(width * height * 3);
  for (let from = 0, to = 0; from < coloured.length; from += 4) {
    plain[to++] = coloured[from];
    plain[to++] = coloured[from + 1];
    plain[to++] = coloured[from + 2];
  }
  canvas.hidden = false;
  return new ort.Tensor("uint8", plain, [height, width, 3]);
}

/** Probabilities of a picture: an ImageBitmap or a playing video. */
async function classify(picture, width, height) {
  const started = performance.now();
  const { probabilities, threshold } = await session.run({ photo: pixels(picture, width, height) });
  show([...probabilities.data], threshold.data[0], performance.now() - started);
}

function show(probabilities, threshold, ms) {
  const order = probabilities.map((value, place) => [value, place]).sort((a, b) => b[0] - a[0]);
  const known = order[0][0] >= threshold;
  trouble("");
  $("answer").textContent = known ? about.classes[order[0][1]] : say.unknown;
  const rows = order.slice(0, TOP).map(([value, place]) => {
    const row = document.createElement("li");
    const texts = [about.classes[place], `${(100 * value).toFixed(1)} %`];
    const cells = texts.map((text) => Object.assign(document.createElement("span"), { textContent: text }));
    row.append(...cells, Object.assign(document.createElement("meter"), { max: 1, value }));
    return row;
  });
  $("classes").replaceChildren(...rows);
  $("time").textContent = (known ? "" : `${say.unsure} ${about.classes[order[0][1]]}. `) + say.took(ms);
  document.body.dataset.answer = JSON.stringify({ probabilities, known, ms });
}

async function read(file) {
  close();
  try {
    const bitmap = await createImageBitmap(file, { imageOrientation: "from-image" });
    await classify(bitmap, bitmap.width, bitmap.height);
    bitmap.close();
  } catch (error) {
    console.error(error);
    trouble(say.unreadable);
  }
}

function trouble(text) {
  $("trouble").textContent = text;
  $("trouble").hidden = !text;
}

function close() {
  stream?.getTracks().forEach((track) => track.stop());
  stream = null;
  $("video").hidden = true;
  $("camera").textContent = say.camera;
}

async function camera() {
  const video = $("video");
  if (stream) {
    await classify(video, video.videoWidth, video.videoHeight);
    close();
    return;
  }
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
  } catch {
    trouble(say.nocamera);
    return;
  }
  video.srcObject = stream;
  $("photo").hidden = true;
  video.hidden = false;
  await video.play();
  $("camera").textContent = say.shoot;
}

function offer() {
  const options = about.models.map(({ file, megabytes, lost }) => {
    const text = lost ? say.small(megabytes, ...lost) : say.full(megabytes);
    return Object.assign(document.createElement("option"), { value: file, textContent: text });
  });
  $("model").replaceChildren(...options);
  $("sizes").hidden = options.length < 2;
  $("model").onchange = () => load($("model").value).catch(() => trouble(say.broken));
}

$("file").onchange = ({ target }) => target.files[0] && read(target.files[0]).then(() => (target.value = ""));
$("camera").onclick = camera;
document.onpaste = ({ clipboardData }) => clipboardData.files[0] && read(clipboardData.files[0]);
document.ondragover = (event) => (event.preventDefault(), $("view").classList.add("over"));
document.ondragleave = () => $("view").classList.remove("over");
document.ondrop = (event) => {
  event.preventDefault();
  $("view").classList.remove("over");
  if (event.dataTransfer.files[0]) read(event.dataTransfer.files[0]);
};

navigator.serviceWorker?.register("sw.js").catch(console.error);
try {
  about = await (await fetch("labels.json")).json();
  document.title = $("title").textContent = about.name;
  offer();
  await load(about.models[0].file);
} catch (error) {
  console.error(error);
  trouble(say.broken);
}
