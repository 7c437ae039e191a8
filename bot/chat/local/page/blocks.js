// From the blocks of a message to elements.

import { el, fromServer } from "./dom.js";
import { localize } from "./times.js";

const LONG_VALUE = 40; // characters; from here on a line each is easier to read than side by side

export function renderBlocks(blocks, press) {
  const body = el("div", { className: "body" });
  for (const block of blocks) body.append(renderers[block.kind](block, press));
  for (const inline of body.querySelectorAll("button.inline")) {
    inline.addEventListener("click", () => press(inline, inline.dataset.command));
  }
  localize(body);
  return body;
}

const renderers = {
  text: (block) => el("div", { className: "text" }, fromServer(block.html)),

  fields(block) {
    const list = el("dl", { className: "fields" });
    for (const [name, value] of block.html_pairs) {
      list.append(el("div", {}, el("dt", {}, fromServer(name)), el("dd", {}, fromServer(value))));
    }
    const long = [...list.querySelectorAll("dd")].some((value) => value.textContent.length > LONG_VALUE);
    list.classList.toggle("long", long);
    return list;
  },

  table(block) {
    const cells = (tag, row) =>
      row.map((cell, i) => el(tag, { className: block.align[i], scope: tag === "th" ? "col" : null }, fromServer(cell)));
    const table = el(
      "table", {},
      el("thead", {}, el("tr", {}, ...cells("th", block.html_head))),
      el("tbody", {}, ...block.html_rows.map((row) => el("tr", {}, ...cells("td", row)))),
    );
    return el("div", { className: "table", tabIndex: 0, role: "region", ariaLabel: "Table" }, table);
  },

  image(block) {
    const open = () => enlarge(block);
    const picture = el("img", { src: block.url, alt: block.alt, loading: "lazy" });
    return el("button", { type: "button", className: "picture", title: "Enlarge", on: { click: open } }, picture);
  },

  file: (block) =>
    el(
      "a", { className: "file-card", href: block.url, download: block.name },
      el("span", { className: "file-icon", ariaHidden: "true", textContent: extension(block.name) }),
      el("span", { className: "file-name", textContent: block.label }),
      el("span", { className: "file-hint", textContent: "Download" }),
    ),

  buttons(block, press) {
    const row = el("div", { className: "buttons" });
    for (const { label, command, style } of block.buttons) {
      const button = el("button", { type: "button", className: style, textContent: label, title: command });
      button.addEventListener("click", () => press(button, command));
      row.append(button);
    }
    return row;
  },
};

const extension = (name) => (name.includes(".") ? name.split(".").at(-1).slice(0, 4) : "file");

function enlarge(block) {
  const dialog = document.getElementById("picture");
  dialog.replaceChildren(
    el("figure", {}, el("img", { src: block.url, alt: block.alt }), el("figcaption", { textContent: block.alt })),
    el("button", { type: "button", className: "icon", ariaLabel: "Close", textContent: "✕", on: { click: () => dialog.close() } }),
  );
  dialog.onclick = (event) => event.target === dialog && dialog.close();
  dialog.showModal();
}
