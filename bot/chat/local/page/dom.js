// Builds elements. Text goes in as text; the only HTML taken is what the server rendered.

export function el(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "on") {
      for (const [event, run] of Object.entries(value)) node.addEventListener(event, run);
    } else if (name === "data") Object.assign(node.dataset, value);
    else if (name in node && name !== "list" && name !== "form") node[name] = value;
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

// For the keys of a block that begin with `html` and for nothing else: see markup.py.
export function fromServer(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  return template.content;
}

export function initials(name) {
  const words = name.trim().split(/\s+/);
  const letters = words.length > 1 ? [words[0], words.at(-1)] : [words[0]];
  return letters.map((word) => [...word][0] ?? "?").join("").toUpperCase();
}

// The colour stays with the handle, so that a person looks the same everywhere.
export function avatar(author) {
  if (!author) {
    return el("img", { className: "avatar", src: "/chat/icon.svg", alt: "" });
  }
  let hash = 7;
  for (const letter of author.handle) hash = (hash * 31 + letter.codePointAt(0)) % 3600;
  const node = el("span", { className: "avatar", textContent: initials(author.name) });
  node.setAttribute("aria-hidden", "true");
  node.style.setProperty("--hue", String(hash % 360));
  return node;
}
