// Puts the page together: who speaks, the room, the thread beside it, and what arrives.

import { get, post } from "./api.js";
import { Composer } from "./composer.js";
import { el } from "./dom.js";
import { Feed } from "./feed.js";
import { ask } from "./forms.js";
import { Sidebar } from "./sidebar.js";
import { commands, markRead, remember, state } from "./state.js";
import { Stream } from "./stream.js";

const byId = (id) => document.getElementById(id);
const FIRST_TRIES = ["bookwiz start", "benchmark list", "checkin now", "trial gallery", "bookwiz help", "bookwiz ping"];

const room = () => ({ channel: state.channel });
const thread = () => ({ channel: state.channel, thread: state.thread });

// Says something at `place`. Where the answer is a form, asks for it; the rest arrives as events.
async function say(place, line) {
  const answer = await post("say", { as: state.who, ...place, ...line });
  if (!answer.form) return answer;
  const submit = (values) =>
    post("say", { as: state.who, ...place, command: answer.form.command, values, submitted: true });
  ask(answer.form, { place, submit, uploads: line.uploads });
  return answer;
}

const pressing = (place, composer) => async (button, command) => {
  button.disabled = true;
  button.setAttribute("aria-busy", "true");
  try {
    await say(place(), { text: command, pressed: true });
  } catch (problem) {
    composer().tell(problem.sentence);
  }
  button.disabled = false;
  button.removeAttribute("aria-busy");
};

function welcome() {
  const there = new Set(commands().map((command) => command.name));
  const chips = FIRST_TRIES.filter((name) => there.has(name)).slice(0, 3).map((name) =>
    el("button", { type: "button", className: "chip", textContent: `/${name}`, on: { click: () => main.composer.fill(`/${name}`) } }));
  const direct = state.channel.startsWith("@");
  return el(
    "section", { className: "welcome" },
    el("img", { src: "/chat/icon.svg", alt: "", width: 56, height: 56 }),
    el("h2", { textContent: direct ? "Between Bookwiz and you" : `Nothing was said in #${state.channel} yet` }),
    el("p", { textContent: "Write something, or try one of these:" }),
    el("div", { className: "chips" }, ...chips),
    el("p", { className: "hint" }, "Type ", el("kbd", { textContent: "/" }), " for all commands. Drop a file anywhere to attach it."),
  );
}

function pane(parent, place, { label, say: words, ...more }) {
  const made = {};
  const press = pressing(place, () => made.composer);
  made.feed = new Feed(parent, { label, press, ...more });
  made.composer = new Composer(parent, { place, label: words, send: (line) => say(place(), line) });
  return made;
}

const main = pane(byId("room"), room, { label: "Messages", say: "Message", openThread, empty: welcome });
const side = pane(byId("thread"), thread, { label: "Replies", say: "Reply" });
const sidebar = new Sidebar({ goTo, speakAs });

async function goTo(channel) {
  state.channel = channel;
  closeThread();
  await showRoom();
  main.composer.field.focus();
}

async function showRoom() {
  const known = state.channels.find((one) => one.name === state.channel);
  if (!known && state.channels.length) state.channel = state.channels[0].name;
  const { topic = "", direct = false } = state.channels.find((one) => one.name === state.channel) ?? {};
  const name = direct ? "Bookwiz" : state.channel;
  byId("room-name").textContent = `${direct ? "@" : "#"} ${name}`;
  byId("room-topic").textContent = topic;
  main.composer.field.placeholder = direct ? "Message Bookwiz" : `Message #${name}`;
  document.title = `${direct ? "@" : "#"}${name} · ${state.name}`;
  remember();
  sidebar.mark(state.channel, false);
  await main.feed.show(room());
  for (const id of main.feed.messages.keys()) if (/^\d+$/.test(id)) markRead(state.channel, Number(id));
}

function openThread(id) {
  state.thread = id;
  byId("thread").hidden = false;
  byId("thread-channel").textContent = `#${state.channel}`;
  document.body.classList.add("with-thread");
  side.composer.field.placeholder = "Reply";
  side.feed.show(thread());
  side.composer.field.focus();
}

function closeThread() {
  state.thread = null;
  byId("thread").hidden = true;
  document.body.classList.remove("with-thread");
}

async function speakAs(handle) {
  state.who = handle;
  closeThread();
  if (state.channel.startsWith("@")) state.channel = `@${handle}`;
  sidebar.unread.clear();
  await stream.switchPerson();
  await refresh();
  await showRoom();
  main.composer.field.focus();
}

async function refresh() {
  [state.groups] = await Promise.all([get("commands"), sidebar.load()]);
}

function arrived(message, edited) {
  const here = message.channel === state.channel;
  if (/^\d+$/.test(message.id) && here) markRead(message.channel, Number(message.id));
  if (!here && !edited && message.author?.handle !== state.who) sidebar.mark(message.channel, true);
  if (!here) return;
  if (!message.thread) main.feed.put(message);
  else if (!edited) main.feed.replied(message);
  if (state.thread && (message.thread === state.thread || message.id === state.thread)) side.feed.put(message);
}

const banner = byId("banner");
const stream = new Stream({
  message: (message) => arrived(message, false),
  edit: (message) => arrived(message, true),
  channel: () => sidebar.load(),
  reload: () => main.feed.reload(),
  away() {
    banner.textContent = "The bot is away. Reconnecting…";
    banner.hidden = false;
  },
  back() {
    banner.hidden = true;
    refresh();
  },
});

byId("close-thread").addEventListener("click", () => {
  closeThread();
  main.composer.field.focus();
});
byId("thread").addEventListener("keydown", (event) => event.key === "Escape" && closeThread());

const hint = byId("drop-hint");
const holdsFiles = (event) => event.dataTransfer?.types.includes("Files");
window.addEventListener("dragover", (event) => {
  if (!holdsFiles(event) || document.querySelector("dialog[open]")) return;
  event.preventDefault();
  hint.hidden = false;
});
window.addEventListener("dragleave", (event) => event.relatedTarget || (hint.hidden = true));
window.addEventListener("drop", (event) => {
  hint.hidden = true;
  if (!holdsFiles(event) || document.querySelector("dialog[open]")) return;
  event.preventDefault();
  const pane = byId("thread").contains(event.target) ? side : main;
  pane.composer.attach(event.dataTransfer.files);
});

async function begin() {
  const [community, people] = await Promise.all([get("community"), get("people")]);
  state.name = community.name;
  byId("community").textContent = community.name;
  if (!people.some((one) => one.handle === state.who)) state.who = (people.find((one) => one.handle === "ada") ?? people[0])?.handle ?? "";
  if (!state.who) return sidebar.join();
  return speakAs(state.who);
}

begin().catch((problem) => {
  banner.textContent = problem.sentence ?? String(problem);
  banner.hidden = false;
});
