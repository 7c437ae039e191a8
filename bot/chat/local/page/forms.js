// A form as a dialog: keeps what was typed until the bot takes it.

import { Attachments } from "./attachments.js";
import { post } from "./api.js";
import { renderBlocks } from "./blocks.js";
import { known, sameWord } from "./completion.js";
import { el } from "./dom.js";
import { Listbox } from "./listbox.js";
import { state } from "./state.js";

const PAUSE = 120;
const TYPES = { integer: "number", number: "number", date: "date" };
let count = 0;

// Asks for what `form` wants. `submit(values)` gives the server's answer; a form in it means that
// something was wrong. `uploads` are files that came with the line.
export function ask(form, { place, submit, uploads = [] }) {
  const waiting = [...uploads];
  const problem = el("div", { className: "problem", role: "alert" });
  const fields = form.fields.map((field) => new FieldOf(field, form, place, waiting));
  const send = el("button", { type: "submit", className: "primary", textContent: "Send" });
  const cancel = el("button", { type: "button", textContent: "Cancel" });
  const titled = `form-${++count}`;
  const body = el(
    "form", { noValidate: true },
    el("header", {}, el("h2", { id: titled, textContent: form.title }), el("small", { textContent: `/${form.command}` })),
    problem,
    ...fields.map((field) => field.node),
    el("footer", {}, el("small", { textContent: "* must be filled in" }), cancel, send),
  );
  const dialog = el("dialog", { className: "form" }, body);
  dialog.setAttribute("aria-labelledby", titled);
  cancel.addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => dialog.remove());
  // The whole refusal stands where it belongs: at the field it is about, else on top.
  const complain = (wanted, blocks = []) => {
    const said = () => (blocks.length ? [renderBlocks(blocks, () => {})] : []);
    for (const field of fields) {
      const wrong = wanted.fields.find((one) => one.name === field.name)?.problem ?? "";
      field.complain(wrong, wrong ? said() : []);
    }
    const placed = fields.find((field) => field.wrong);
    problem.replaceChildren(...(placed ? [] : blocks.length ? said() : [wanted.problem]));
    (placed ?? fields[0])?.input.focus();
  };
  body.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (send.disabled) return;
    const lacking = fields.filter((field) => field.lacks());
    for (const field of fields) field.complain(lacking.includes(field) ? "This must be filled in." : "");
    if (lacking.length) return lacking[0].input.focus();
    send.disabled = true;
    send.textContent = "Sending…";
    problem.textContent = "";
    try {
      const values = {};
      for (const field of fields) Object.assign(values, await field.value());
      const answer = await submit(values);
      if (answer.form) complain(answer.form, answer.blocks);
      else dialog.close();
    } catch (error) {
      problem.textContent = error.sentence ?? String(error);
    }
    send.disabled = false;
    send.textContent = "Send";
  });
  document.body.append(dialog);
  dialog.showModal();
  complain(form);
}

class FieldOf {
  constructor(field, form, place, waiting) {
    Object.assign(this, { field, form, place, name: field.name, wrong: false });
    const id = `field-${++count}`;
    this.input = this.control(id, waiting);
    this.input.setAttribute("aria-describedby", `${id}-problem`);
    if (field.required) this.input.setAttribute("aria-required", "true");
    this.problem = el("div", { className: "problem", id: `${id}-problem` });
    const star = field.required && field.kind !== "boolean";
    const label = el("label", { htmlFor: id }, field.label, star && el("span", { className: "star", textContent: " *" }));
    this.wrap.append(this.input);
    const boolean = field.kind === "boolean";
    this.node = el("div", { className: `field of-${field.kind}` }, ...(boolean ? [this.wrap, label] : [label, this.wrap]), this.problem);
  }

  control(id, waiting) {
    const { kind, value, choices, max_length: most } = this.field;
    this.wrap = el("div", { className: "control" });
    if (kind === "file") {
      this.attachments = new Attachments(this.wrap);
      this.given = waiting.shift() ?? null;
      if (this.given) this.wrap.append(el("p", { className: "given", textContent: `${this.given.name} is attached` }));
      const input = el("input", { id, type: "file" });
      input.addEventListener("change", () => {
        this.attachments.clear();
        this.wrap.querySelector(".given")?.remove();
        this.given = null;
        for (const file of input.files) this.attachments.add(file);
      });
      return input;
    }
    if (kind === "boolean") return el("input", { id, type: "checkbox", checked: /^(yes|true|on|1|y)$/i.test(value) });
    if (kind === "choice") {
      const options = choices.map(([one, label]) => el("option", { value: one, textContent: label, selected: one === value }));
      return el("select", { id }, !value && el("option", { value: "", textContent: "Choose…" }), ...options);
    }
    const limit = most ? { maxLength: most } : {};
    if (kind === "long" || kind === "message") return el("textarea", { id, rows: 3, value, ...limit });
    const input = el("input", { id, type: TYPES[kind] ?? "text", value, autocomplete: "off", ...limit });
    if (kind === "number") input.step = "any";
    if (kind === "member" || this.field.completes) this.suggest(input);
    return input;
  }

  suggest(input) {
    let asked = 0;
    const listbox = new Listbox(input, this.wrap, (item) => {
      input.value = item.text;
      listbox.hide();
    });
    const refresh = async () => {
      const mine = ++asked;
      let found = known(this.field, input.value);
      if (!found) {
        await new Promise((resolve) => setTimeout(resolve, PAUSE));
        if (mine !== asked) return;
        const about = { command: this.form.command, argument: this.name, text: input.value };
        found = await post("suggest", { as: state.who, channel: this.place.channel, ...about }).catch(() => []);
      }
      if (mine !== asked || document.activeElement !== input) return;
      listbox.show(found.map(({ value, label }) => ({ label, detail: sameWord(label, value) ? "" : value, text: value })));
    };
    input.addEventListener("input", refresh);
    input.addEventListener("focus", refresh);
    input.addEventListener("blur", () => { asked += 1; listbox.hide(); });
    input.addEventListener("keydown", (event) => listbox.key(event));
  }

  lacks() {
    if (!this.field.required || this.field.kind === "boolean") return false;
    if (this.field.kind === "file") return !this.given && this.attachments.empty;
    return !this.input.value.trim();
  }

  async value() {
    if (this.field.kind === "boolean") return { [this.name]: this.input.checked ? "yes" : "no" };
    if (this.field.kind !== "file") return { [this.name]: this.input.value };
    const stored = await this.attachments.settled();
    if (!stored) throw new Error(`${this.field.label}: the file was not uploaded.`);
    const file = stored[0] ?? this.given;
    return file ? { [this.name]: file } : {};
  }

  complain(problem, details = []) {
    this.wrong = Boolean(problem);
    this.problem.replaceChildren(...(details.length ? details : [problem]));
    this.node.classList.toggle("wrong", this.wrong);
    if (this.wrong) this.input.setAttribute("aria-invalid", "true");
    else this.input.removeAttribute("aria-invalid");
  }
}
