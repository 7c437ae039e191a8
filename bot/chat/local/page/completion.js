// What may come next in a line that begins with a slash: a group, a command, an argument, a value.

import { post } from "./api.js";
import { el } from "./dom.js";
import { Listbox } from "./listbox.js";
import { commands, state } from "./state.js";

const PAUSE = 120;

// Reads the line up to the caret. `typed` is the end of it that a choice would replace.
export function analyse(line) {
  if (!line.startsWith("/")) return null;
  const [, group, gap, action, rest] = /^\/(\S*)(\s*)(\S*)([^]*)$/.exec(line);
  if (!gap) return { stage: "group", typed: line };
  if (!rest) return { stage: "command", group, typed: line, action };
  const command = commands().find((one) => one.name === `${group} ${action}`.toLowerCase());
  if (!command) return null;
  const used = new Set([...rest.matchAll(/(?:^|\s)([a-z_]+):/g)].map(([, name]) => name));
  const value = /(?:^|\s)([a-z_]+):("[^"]*|[^\s"]*)$/.exec(rest);
  const argument = value && command.arguments.find((one) => one.name === value[1]);
  if (argument) {
    return { stage: "value", command, argument, used, typed: value[2], text: value[2].replace(/^"/, "") };
  }
  const typed = /\S*$/.exec(rest)[0];
  return { stage: "argument", command, used, typed };
}

export class Completion {
  constructor(field, parent, { pickFile, place }) {
    Object.assign(this, { field, pickFile, place, asked: 0 });
    this.listbox = new Listbox(field, parent, (item) => this.accept(item));
    field.addEventListener("input", () => this.refresh());
    field.addEventListener("blur", () => this.listbox.hide());
  }

  refresh() {
    this.asked += 1;
    const found = analyse(this.field.value.slice(0, this.field.selectionStart));
    if (!found) return this.listbox.hide();
    return this[found.stage](found);
  }

  group({ typed }) {
    const wanted = typed.slice(1).toLowerCase();
    const groups = state.groups.filter((group) => group.name.startsWith(wanted));
    const items = groups.map((group) => ({ label: `/${group.name}`, detail: group.help, text: `/${group.name} `, typed }));
    // A word of the command is enough: "/submit" finds "/model submit".
    const inside = wanted.length > 1 ? commands().filter((one) => one.name.split(" ")[1].startsWith(wanted)) : [];
    items.push(...inside.map((one) => commandItem(one, typed)));
    const exact = groups.some((group) => group.name === wanted);
    this.listbox.show(items, { active: exact ? -1 : 0 });
  }

  command({ group, action, typed }) {
    const found = commands().filter((one) => one.name.startsWith(`${group} ${action}`.toLowerCase()));
    const exact = found.some((one) => one.name === `${group} ${action}`);
    this.listbox.show(found.map((one) => commandItem(one, typed)), { active: exact ? -1 : 0 });
  }

  argument({ command, used, typed }) {
    const open = command.arguments.filter((one) => !used.has(one.name) && one.name.startsWith(typed));
    const items = open.map((one) => ({
      label: `${one.name}:`, detail: one.help, mark: one.required ? "required" : "", typed,
      text: one.type === "file" ? "" : `${one.name}:`, file: one.type === "file",
    }));
    this.listbox.show(items, { head: usage(command, used, null) });
  }

  async value({ command, argument, used, typed, text }) {
    const head = usage(command, used, argument.name);
    const asked = this.asked;
    this.listbox.show([], { head });
    let found = known(argument, text);
    if (!found && argument.completes) {
      await new Promise((resolve) => setTimeout(resolve, PAUSE));
      if (asked !== this.asked) return;
      const body = { as: state.who, channel: this.place().channel, command: command.name, argument: argument.name, text };
      found = await post("suggest", body).catch(() => []);
    }
    if (asked !== this.asked || document.activeElement !== this.field) return;
    const items = (found ?? []).map(({ value, label }) => ({
      label, detail: sameWord(label, value) ? "" : value, typed, text: `${/\s/.test(value) ? `"${value}"` : value} `,
    }));
    const exact = (found ?? []).some(({ value }) => value === text);
    this.listbox.show(items, { head, active: text && !exact ? 0 : -1 });
  }

  accept(item) {
    const { field } = this;
    const caret = field.selectionStart;
    field.setRangeText(item.text, caret - item.typed.length, caret, "end");
    field.dispatchEvent(new Event("input", { bubbles: true }));
    if (item.file) this.pickFile();
  }
}

function commandItem(command, typed) {
  const mark = command.private ? "only you see it" : "";
  return { label: `/${command.name}`, detail: command.help, mark, typed, text: `/${command.name} ` };
}

function usage(command, used, current) {
  if (!command.arguments.length) return ["Press Enter to send"];
  const names = command.arguments.map((one) => {
    const kind = one.name === current ? "current" : used.has(one.name) ? "used" : one.required ? "needed" : "";
    return el("span", { className: `argument ${kind}`, textContent: `${one.name}:`, title: one.help });
  });
  const now = command.arguments.find((one) => one.name === current);
  return [el("b", { textContent: `/${command.name} ` }), ...names, now && el("em", { textContent: now.help })].filter(Boolean);
}

export const sameWord = (one, other) => one.toLowerCase() === other.toLowerCase();

// Values that the page knows without asking.
export function known(argument, text) {
  const holds = (words) => words.toLowerCase().includes(text.toLowerCase().replace(/^@/, ""));
  if (argument.choices?.length) {
    return argument.choices.filter(({ value, label }) => holds(label) || holds(value));
  }
  if ((argument.type ?? argument.kind) === "boolean") {
    return ["yes", "no"].filter(holds).map((value) => ({ value, label: value }));
  }
  if ((argument.type ?? argument.kind) === "member" && !argument.completes) {
    return state.people
      .filter(({ handle, name }) => holds(handle) || holds(name))
      .slice(0, 25)
      .map(({ handle, name }) => ({ value: `@${handle}`, label: name }));
  }
  return null;
}
