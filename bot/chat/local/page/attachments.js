// Files on their way to the server, each with its progress and a way to stop it.

import { upload } from "./api.js";
import { el } from "./dom.js";

const UNITS = ["B", "kB", "MB", "GB"];

export function sizeOf(bytes) {
  const unit = bytes < 1000 ? 0 : Math.min(3, Math.floor(Math.log10(bytes) / 3));
  return `${(bytes / 1000 ** unit).toFixed(unit && bytes / 1000 ** unit < 10 ? 1 : 0)} ${UNITS[unit]}`;
}

export class Attachments {
  constructor(parent, onChange = () => {}) {
    this.list = el("ul", { className: "attachments", ariaLabel: "Attached files" });
    this.files = [];
    this.onChange = onChange;
    parent.append(this.list);
  }

  get empty() {
    return !this.files.length;
  }

  add(file) {
    const bar = el("progress", { max: 1, value: 0, ariaLabel: `Uploading ${file.name}` });
    const note = el("span", { className: "note", textContent: sizeOf(file.size) });
    const remove = el("button", { type: "button", className: "icon", ariaLabel: `Remove ${file.name}`, title: "Remove", textContent: "✕" });
    const node = el("li", {}, el("b", { textContent: file.name }), note, bar, remove);
    const entry = { node, name: file.name, stored: null, problem: "" };
    const { done, cancel } = upload(file, (share) => {
      bar.value = share;
      note.textContent = `${Math.round(100 * share)} % of ${sizeOf(file.size)}`;
    });
    entry.done = done.then(
      (stored) => {
        entry.stored = stored;
        node.classList.add("done");
        note.textContent = sizeOf(file.size);
      },
      (problem) => {
        entry.problem = problem.sentence;
        node.classList.add("failed");
        node.setAttribute("role", "alert");
        note.textContent = problem.sentence;
      },
    ).finally(() => bar.remove());
    remove.addEventListener("click", () => {
      cancel();
      this.drop(entry);
    });
    this.files.push(entry);
    this.list.append(node);
    this.onChange();
  }

  drop(entry) {
    this.files = this.files.filter((one) => one !== entry);
    entry.node.remove();
    this.onChange();
  }

  // What was uploaded, once all is; null where a file failed and its reason is still to be read.
  async settled() {
    await Promise.all(this.files.map((entry) => entry.done));
    return this.files.some((entry) => entry.problem) ? null : this.files.map((entry) => entry.stored);
  }

  clear() {
    for (const entry of [...this.files]) this.drop(entry);
  }
}
