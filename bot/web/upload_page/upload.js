// Sends one file in pieces, as tus 1.0 says, and goes on after whatever broke the line.
"use strict";

const PIECE = 8 * 1024 * 1024; // what a break may cost, and what the browser holds of the file
const LONGEST_WAIT = 30; // seconds between two tries
const AGAIN = [0, 408, 423, 429, 502, 503, 504]; // a line, a proxy or another tab: not for ever
const $ = (id) => document.getElementById(id);
const place = location.pathname;
const cap = Number($("upload").dataset.cap);

let file = null;
let running = null; // the request that is on its way
let paused = false;
let tries = 0;
let timer = 0;
let rate = 0; // bytes a second, smoothed

function bytes(count) {
  for (const [unit, width] of [["GB", 1e9], ["MB", 1e6], ["kB", 1e3]]) {
    if (count >= width) return `${(count / width).toFixed(1)} ${unit}`;
  }
  return `${count} bytes`;
}

function duration(seconds) {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`;
  return seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
}

function say(words, bad = false) {
  $("answer").textContent = words;
  $("answer").classList.toggle("bad", bad);
  $("answer").hidden = !words;
}

function sentence(said) {
  const more = [said.expected && `Expected: ${said.expected}`, said.got && `Got: ${said.got}`, said.fix];
  return [said.problem, ...more].filter(Boolean).join("\n");
}

function show(offset) {
  $("bar").value = offset / file.size;
  const left = rate ? `, ${bytes(rate)}/s, about ${duration((file.size - offset) / rate)} left` : "";
  const percent = Math.floor((100 * offset) / file.size);
  $("far").textContent = `${percent} %: ${bytes(offset)} of ${bytes(file.size)}${paused ? ", paused" : left}`;
}

function stop() {
  clearTimeout(timer);
  const request = running;
  running = null;
  if (request) request.abort();
}

function choose(begun) {
  stop();
  file = null;
  $("file").value = "";
  $("drop").hidden = false;
  $("going").hidden = true;
  $("known").textContent = begun || "";
}

async function state() {
  const response = await fetch(`${place}state`);
  const said = await response.json();
  if (!response.ok) throw said;
  return said;
}

function later(why, wait = Math.min(LONGEST_WAIT, 2 ** tries++)) {
  rate = 0;
  say(`${why} Trying again in ${wait} s.`, true);
  timer = setTimeout(go, 1000 * wait);
}

async function go() {
  clearTimeout(timer);
  const wanted = file;
  let now;
  try {
    now = await state();
  } catch (said) {
    if (said.problem) return over(sentence(said));
    return later("The connection broke; what was sent is kept.");
  }
  if (paused || file !== wanted || !file) return;
  if (now.used) return done(now.words);
  const other = now.total !== null && (now.total !== file.size || now.name !== called(file));
  if (other) {
    try {
      const dropped = await fetch(place, { method: "DELETE" });
      if (!dropped.ok) return later((await dropped.json()).problem);
    } catch {
      return later("The connection broke.");
    }
    return piece(0);
  }
  piece(now.offset);
}

function called(one) {
  return one.name.slice(-100).trim();
}

function piece(offset) {
  const request = new XMLHttpRequest();
  running = request;
  const started = performance.now();
  request.open("PATCH", place);
  const name = btoa(String.fromCharCode(...new TextEncoder().encode(called(file))));
  for (const [header, value] of Object.entries({
    "Content-Type": "application/offset+octet-stream",
    "Tus-Resumable": "1.0.0",
    "Upload-Offset": offset,
    "Upload-Length": file.size,
    "Upload-Metadata": `filename ${name}`,
  })) request.setRequestHeader(header, value);
  request.upload.onprogress = (event) => {
    if (request !== running) return;
    const now = event.loaded / Math.max(0.001, (performance.now() - started) / 1000);
    rate = rate ? 0.8 * rate + 0.2 * now : now;
    show(offset + event.loaded);
  };
  request.onloadend = () => request === running && ended(request, offset);
  request.send(file.slice(offset, offset + PIECE));
  show(offset);
}

function ended(request, offset) {
  running = null;
  if (request.status === 204) {
    tries = 0;
    say("");
    const come = Number(request.getResponseHeader("Upload-Offset"));
    show(come);
    return come < file.size ? piece(come) : go();
  }
  let said = { problem: "The connection broke; what was sent is kept." };
  try {
    said = JSON.parse(request.responseText);
  } catch { /* nothing came back, or a proxy's page */ }
  if (said.code === "E_OFFSET" && tries < 3) return later("Looking where it stopped.", 2 ** tries++);
  if (AGAIN.includes(request.status)) return later(said.problem);
  over(sentence(said));
}

function over(words) {
  choose();
  say(words, true);
}

function done(words) {
  $("drop").hidden = true;
  $("going").hidden = true;
  $("known").textContent = "You can close this page. The result comes in the chat.";
  say(words);
}

function take(chosen) {
  if (!chosen) return;
  if (chosen.size > cap) return over(`The file is too large: ${bytes(chosen.size)}, and at most ${bytes(cap)} are taken here.\nExport it in half precision, or quantised.`);
  if (chosen.size === 0) return over("The file is empty. Export it once more.");
  file = chosen;
  paused = false;
  tries = rate = 0;
  $("name").textContent = file.name;
  $("pause").textContent = "Pause";
  $("drop").hidden = true;
  $("going").hidden = false;
  $("known").textContent = "";
  say("");
  show(0);
  go();
}

$("file").onchange = () => take($("file").files[0]);
$("drop").ondragover = (event) => { event.preventDefault(); $("drop").classList.add("over"); };
$("drop").ondragleave = () => $("drop").classList.remove("over");
$("drop").ondrop = (event) => {
  event.preventDefault();
  $("drop").classList.remove("over");
  take(event.dataTransfer.files[0]);
};
$("pause").onclick = () => {
  paused = !paused;
  $("pause").textContent = paused ? "Go on" : "Pause";
  if (!paused) return go();
  const far = $("bar").value;
  stop();
  rate = 0;
  say("");
  show(Math.round(far * file.size));
};
$("cancel").onclick = async () => {
  choose("Cancelled; nothing was kept.");
  say("");
  await fetch(place, { method: "DELETE" }).catch(() => {});
};
addEventListener("online", () => file && !paused && !running && go());

state().then((now) => {
  if (now.used) done(now.words);
  else if (now.offset) choose(`${bytes(now.offset)} of ${now.name} are here already: choose the same file to go on.`);
}).catch(() => {});
