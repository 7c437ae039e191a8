// Where a line is written: completion, attachments, history, and sending.

import { Attachments } from "./attachments.js";
import { Completion } from "./completion.js";
import { el } from "./dom.js";
import { state } from "./state.js";

const MOST_REMEMBERED = 50;

export class Composer {
  // `send(line)` carries {text, uploads} to the server and raises a Problem that can be read.
  constructor(parent, { place, label, send }) {
    Object.assign(this, { place, send, back: 0, draft: "" });
    this.field = el("textarea", { rows: 1, spellcheck: true, autocomplete: "off", ariaLabel: label });
    this.problem = el("p", { className: "problem", role: "alert", hidden: true });
    this.progress = el("p", { className: "thinking", role: "status" });
    this.picker = el("input", { type: "file", multiple: true, hidden: true, tabIndex: -1 });
    const attach = el("button", { type: "button", className: "icon attach", ariaLabel: "Attach a file", title: "Attach a file", textContent: "+" });
    this.submit = el("button", { type: "submit", className: "icon send", ariaLabel: "Send", title: "Send", textContent: "➤" });
    const box = el("div", { className: "box" });
    this.form = el("form", { className: "composer" }, this.problem, box, this.progress);
    this.attachments = new Attachments(box);
    box.append(el("div", { className: "line" }, attach, this.picker, this.field, this.submit));
    this.completion = new Completion(this.field, this.form, { pickFile: () => this.picker.click(), place });
    parent.append(this.form);
    attach.addEventListener("click", () => this.picker.click());
    this.picker.addEventListener("change", () => {
      this.attach(this.picker.files);
      this.picker.value = "";
    });
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.go();
    });
    this.field.addEventListener("input", () => this.fit());
    this.field.addEventListener("keydown", (event) => this.key(event));
    this.field.addEventListener("paste", (event) => this.attach(event.clipboardData.files));
  }

  attach(files) {
    for (const file of files) this.attachments.add(file);
    if (files.length) this.field.focus();
  }

  fill(text) {
    this.field.value = text;
    this.field.focus();
    this.field.setSelectionRange(text.length, text.length);
    this.field.dispatchEvent(new Event("input", { bubbles: true }));
  }

  tell(problem) {
    this.problem.hidden = !problem;
    this.problem.textContent = problem;
  }

  key(event) {
    if (event.isComposing || this.completion.listbox.key(event)) return;
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      this.go();
    } else if (event.key === "ArrowUp" && this.field.selectionEnd === 0) this.recall(event, 1);
    else if (event.key === "ArrowUp" && this.back) this.recall(event, 1);
    else if (event.key === "ArrowDown" && this.back) this.recall(event, -1);
  }

  recall(event, step) {
    const lines = remembered();
    const back = Math.max(0, Math.min(lines.length, this.back + step));
    if (back === this.back) return;
    event.preventDefault();
    if (!this.back) this.draft = this.field.value;
    this.back = back;
    this.fill(back ? lines[lines.length - back] : this.draft);
    this.back = back;
    this.completion.listbox.hide();
  }

  async go() {
    const text = this.field.value.trim();
    if (this.busy || (!text && this.attachments.empty)) return;
    this.busy = true;
    this.tell("");
    this.completion.listbox.hide();
    this.progress.textContent = this.attachments.empty ? "" : "Uploading…";
    const uploads = await this.attachments.settled();
    if (!uploads) {
      this.busy = false;
      this.progress.textContent = "";
      this.tell("A file was not uploaded. Remove it and attach another one.");
      return;
    }
    this.progress.textContent = text.startsWith("/") ? "Bookwiz is at it…" : "";
    this.field.value = "";
    this.fit();
    try {
      await this.send({ text, uploads });
      if (text) remember(text);
      this.attachments.clear();
    } catch (problem) {
      this.tell(problem.sentence ?? String(problem));
      if (!this.field.value) this.fill(text);
    }
    this.back = 0;
    this.busy = false;
    this.progress.textContent = "";
  }

  fit() {
    this.back = 0;
    this.field.style.setProperty("height", "auto");
    this.field.style.setProperty("height", `${this.field.scrollHeight}px`);
  }
}

const key = () => `lines ${state.who}`;
const remembered = () => JSON.parse(sessionStorage.getItem(key()) ?? "[]");

function remember(text) {
  const lines = [...remembered().filter((line) => line !== text), text].slice(-MOST_REMEMBERED);
  sessionStorage.setItem(key(), JSON.stringify(lines));
}
