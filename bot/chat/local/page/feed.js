// The messages of a channel or a thread, in order, as they come and as they change.

import { get } from "./api.js";
import { renderBlocks } from "./blocks.js";
import { avatar, el } from "./dom.js";
import { clockOf, dayOf, sameDay, wholeOf } from "./times.js";

const GROUPED_WITHIN = 5 * 60 * 1000;
const AT_BOTTOM = 60;

export class Feed {
  // `empty` gives what stands where nothing was said yet; `openThread` is absent in a thread.
  constructor(parent, { label, press, openThread, empty }) {
    Object.assign(this, { press, openThread, empty });
    this.messages = new Map();
    this.place = null;
    this.log = el("div", { className: "log", role: "log", ariaLabel: label, tabIndex: 0 });
    this.log.setAttribute("aria-live", "polite");
    this.pill = el("button", { type: "button", className: "pill", hidden: true, textContent: "↓ New messages" });
    this.pill.addEventListener("click", () => this.toBottom(true));
    this.follows = true;
    this.log.addEventListener("scroll", () => {
      this.follows = this.isAtBottom();
      if (this.follows) this.pill.hidden = true;
    });
    // A taller composer or a thread beside it must not cover what was last said.
    new ResizeObserver(() => this.follows && this.toBottom()).observe(this.log);
    // Pictures arrive late and push the last message out of sight.
    this.log.addEventListener("load", () => this.follows && this.toBottom(), true);
    parent.append(el("div", { className: "feed" }, this.log, this.pill));
  }

  async show(place) {
    this.place = place;
    this.messages.clear();
    this.pill.hidden = true;
    this.log.replaceChildren();
    this.log.setAttribute("aria-busy", "true");
    await this.reload();
    if (this.place === place) this.log.setAttribute("aria-busy", "false");
  }

  async reload() {
    const place = this.place;
    const { messages, more } = await get("messages", asked(place));
    if (this.place !== place) return;
    for (const message of messages) this.put(message, { quietly: true });
    if (more) this.offerEarlier();
    if (!this.messages.size && this.empty) this.log.replaceChildren(this.empty());
    this.toBottom();
  }

  offerEarlier() {
    const button = el("button", { type: "button", className: "earlier quiet", textContent: "Show earlier messages" });
    button.addEventListener("click", async () => {
      const height = this.log.scrollHeight;
      const oldest = [...this.messages.keys()].filter((id) => /^\d+$/.test(id)).map(Number);
      const before = String(Math.min(...oldest));
      const { messages, more } = await get("messages", { ...asked(this.place), before });
      button.remove();
      for (const message of messages) this.put(message, { quietly: true });
      if (more) this.offerEarlier();
      this.log.scrollTop += this.log.scrollHeight - height;
    });
    this.log.querySelector(".earlier")?.remove();
    this.log.prepend(button);
  }

  // Adds a message or replaces what it said before. The same one twice does no harm.
  put(message, { quietly = false } = {}) {
    const known = this.messages.get(message.id);
    if (known && known.version >= message.version) return;
    this.follows = this.isAtBottom();
    const node = this.draw(message);
    if (known) {
      message.replies = Math.max(known.replies, message.replies);
      this.countReplies(node, message);
      this.log.querySelector(`[data-id="${message.id}"]`).replaceWith(node);
      if (!quietly) node.classList.add("changed");
    } else {
      this.log.querySelector(".welcome")?.remove();
      this.insert(node);
      if (!quietly) node.classList.add("fresh");
    }
    this.messages.set(message.id, message);
    this.group(node);
    if (node.nextElementSibling?.matches(".message")) this.group(node.nextElementSibling);
    if (quietly) return;
    if (this.follows) this.toBottom();
    else if (!known) this.pill.hidden = false;
  }

  replied(message) {
    const root = this.messages.get(message.thread);
    const node = root && this.log.querySelector(`[data-id="${root.id}"]`);
    // After a reconnect the same reply may be told again.
    if (!node || (root.last_reply_at && message.at <= root.last_reply_at)) return;
    root.replies += 1;
    root.last_reply_at = message.at;
    this.countReplies(node, root);
    if (this.follows) this.toBottom();
  }

  insert(node) {
    let before = this.log.lastElementChild;
    while (before && !(before.matches(".message") && before.dataset.at <= node.dataset.at)) {
      before = before.previousElementSibling;
    }
    const first = this.log.querySelector(".earlier");
    if (before) before.after(node);
    else if (first) first.after(node);
    else this.log.prepend(node);
  }

  draw(message) {
    const at = new Date(message.at);
    const bot = !message.author;
    const words = message.message.blocks[0];
    const typed = !bot && words?.kind === "text" && words.markdown.startsWith("/");
    const kinds = { bot, private: message.private, typed, pending: message.pending, failed: message.failed };
    const node = el(
      "article",
      { className: ["message", ...Object.keys(kinds).filter((kind) => kinds[kind])].join(" "), data: { id: message.id, at: at.toISOString(), by: `${message.author?.handle ?? ""} ${message.private}` } },
      el("div", { className: "gutter" }, avatar(message.author), el("time", { dateTime: message.at, textContent: clockOf(at) })),
      el(
        "div", { className: "content" },
        el(
          "header", {},
          el("b", { className: "name", textContent: bot ? "Bookwiz" : message.author.name }),
          bot && el("span", { className: "app", textContent: "APP" }),
          el("time", { dateTime: message.at, title: wholeOf(at), textContent: clockOf(at) }),
        ),
        message.private && el("p", { className: "only-you", textContent: "Only you can see this" }),
        renderBlocks(message.blocks, this.press),
        message.pending && el("p", { className: "working", textContent: "In progress" }),
      ),
    );
    const threadable = this.openThread && /^\d+$/.test(message.id);
    if (threadable) {
      const reply = el("button", { type: "button", className: "icon reply", title: "Reply in a thread", ariaLabel: "Reply in a thread", textContent: "↪" });
      reply.addEventListener("click", () => this.openThread(message.id));
      node.append(el("div", { className: "actions" }, reply));
      this.countReplies(node, message);
    }
    return node;
  }

  countReplies(node, { id, replies, last_reply_at }) {
    node.querySelector(".thread-link")?.remove();
    if (!replies || !this.openThread) return;
    const words = `${replies} ${replies === 1 ? "reply" : "replies"}`;
    const last = last_reply_at ? `last at ${clockOf(new Date(last_reply_at))}` : "";
    const link = el("button", { type: "button", className: "thread-link" }, el("b", { textContent: words }), ` ${last}`);
    link.addEventListener("click", () => this.openThread(id));
    node.querySelector(".content").append(link);
  }

  // Consecutive messages of one person share a head; each day begins with a line.
  group(node) {
    let before = node.previousElementSibling;
    if (before?.matches(".day")) {
      before.remove();
      before = node.previousElementSibling;
    }
    const at = new Date(node.dataset.at);
    const last = before?.matches(".message") ? new Date(before.dataset.at) : null;
    const newDay = !last || !sameDay(at, last);
    if (newDay) node.before(el("div", { className: "day", role: "separator" }, el("span", { textContent: dayOf(at) })));
    const together = !newDay && before.dataset.by === node.dataset.by && at - last < GROUPED_WITHIN;
    node.classList.toggle("grouped", together);
  }

  isAtBottom() {
    return this.log.scrollHeight - this.log.scrollTop - this.log.clientHeight < AT_BOTTOM;
  }

  toBottom(smoothly = false) {
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.follows = true;
    this.pill.hidden = true;
    this.log.scrollTo({ top: this.log.scrollHeight, behavior: smoothly && !calm ? "smooth" : "instant" });
  }
}

function asked({ channel, thread }) {
  return thread ? { channel, thread } : { channel };
}
