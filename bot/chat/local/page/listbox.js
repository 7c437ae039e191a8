// A list to choose from while a field keeps the focus (the combobox pattern of ARIA).

import { el } from "./dom.js";

let count = 0;

export class Listbox {
  constructor(field, parent, accept) {
    Object.assign(this, { field, accept, items: [], active: -1 });
    this.list = el("ul", { role: "listbox", id: `choices-${++count}`, ariaLabel: "Suggestions" });
    this.head = el("p", { className: "usage", hidden: true });
    this.box = el("div", { className: "listbox", hidden: true }, this.head, this.list);
    parent.append(this.box);
    field.setAttribute("role", "combobox");
    field.setAttribute("aria-autocomplete", "list");
    field.setAttribute("aria-controls", this.list.id);
    field.setAttribute("aria-expanded", "false");
    // Pressing the mouse must not take the focus from the field.
    this.box.addEventListener("mousedown", (event) => event.preventDefault());
  }

  get open() {
    return !this.box.hidden && this.items.length > 0;
  }

  // Items are {label, detail, mark, …}; `head` stands above them; `active` is chosen at first.
  show(items, { head = null, active = -1 } = {}) {
    this.items = items;
    this.head.hidden = !head;
    this.head.replaceChildren(...(head ?? []));
    this.list.replaceChildren(
      ...items.map((item, index) =>
        el(
          "li", { role: "option", id: `${this.list.id}-${index}`, on: { click: () => this.choose(index) } },
          el("b", { textContent: item.label }),
          item.detail && el("span", { textContent: item.detail }),
          item.mark && el("small", { textContent: item.mark }),
        ),
      ),
    );
    this.box.hidden = !items.length && !head;
    this.field.setAttribute("aria-expanded", String(items.length > 0));
    this.point(items.length ? active : -1);
  }

  hide() {
    this.show([]);
  }

  choose(index) {
    const item = this.items[index];
    if (item) this.accept(item);
  }

  move(step) {
    const count = this.items.length;
    this.point(this.active < 0 && step < 0 ? count - 1 : (this.active + step + count) % count);
  }

  point(index) {
    this.active = index;
    [...this.list.children].forEach((node, at) => node.setAttribute("aria-selected", String(at === index)));
    const node = this.list.children[index];
    if (node) this.field.setAttribute("aria-activedescendant", node.id);
    else this.field.removeAttribute("aria-activedescendant");
    node?.scrollIntoView({ block: "nearest" });
  }

  // Whether the key was for the list.
  key(event) {
    if (this.box.hidden) return false;
    if (event.key === "Escape") this.hide();
    else if (!this.open) return false;
    else if (event.key === "ArrowDown") this.move(1);
    else if (event.key === "ArrowUp") this.move(-1);
    else if (event.key === "Tab" && !event.shiftKey) this.choose(Math.max(0, this.active));
    else if (event.key === "Enter" && !event.shiftKey && this.active >= 0) this.choose(this.active);
    else return false;
    event.preventDefault();
    event.stopPropagation();
    return true;
  }
}
