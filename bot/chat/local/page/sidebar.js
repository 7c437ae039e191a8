// The left column: channels with what is unread, and who speaks.

import { get, post } from "./api.js";
import { avatar, el } from "./dom.js";
import { ask } from "./forms.js";
import { lastRead, person, state } from "./state.js";

const byId = (id) => document.getElementById(id);
const text = { kind: "text", required: true, value: "", choices: [], completes: false, problem: "" };

export class Sidebar {
  constructor({ goTo, speakAs }) {
    Object.assign(this, { goTo, speakAs, unread: new Set() });
    byId("people-find").addEventListener("input", () => this.listPeople());
    byId("people-find").addEventListener("keydown", (event) => {
      if (event.key === "Enter") byId("people-list").querySelector("button")?.click();
    });
    byId("people").addEventListener("toggle", (event) => {
      if (event.newState !== "open") return;
      byId("people-find").value = "";
      this.listPeople();
      byId("people-find").focus();
    });
    byId("join").addEventListener("click", () => this.join());
    byId("new-channel").addEventListener("click", () => this.addChannel());
    const drawer = (open) => document.body.classList.toggle("drawer", open);
    document.querySelector(".open-drawer").addEventListener("click", () => {
      drawer(true);
      byId("channels").querySelector("button")?.focus();
    });
    for (const node of [byId("shade"), document.querySelector(".close-drawer")]) {
      node.addEventListener("click", () => drawer(false));
    }
    byId("sidebar").addEventListener("keydown", (event) => event.key === "Escape" && drawer(false));
    this.drawer = drawer;
  }

  async load() {
    [state.people, state.channels] = await Promise.all([get("people"), get("channels")]);
    for (const { name, last } of state.channels) {
      if (last > lastRead(name) && name !== state.channel) this.unread.add(name);
    }
    this.draw();
  }

  draw() {
    const entry = ({ name, direct }) => {
      const here = name === state.channel;
      const label = direct ? "Bookwiz" : name;
      const news = this.unread.has(name);
      const button = el(
        "button", { type: "button", className: `channel ${news ? "unread" : ""}`, data: { channel: name } },
        el("span", { className: "hash", ariaHidden: "true", textContent: direct ? "@" : "#" }),
        el("span", { className: "label", textContent: label }),
        news && el("span", { className: "dot", title: "Unread" }, el("span", { className: "unseen", textContent: "unread" })),
      );
      if (here) button.setAttribute("aria-current", "page");
      button.addEventListener("click", () => {
        this.drawer(false);
        this.goTo(name);
      });
      return el("li", {}, button);
    };
    byId("channels").replaceChildren(...state.channels.filter((one) => !one.direct).map(entry));
    byId("direct").replaceChildren(...state.channels.filter((one) => one.direct).map(entry));
    document.querySelector(".open-drawer .dot").hidden = !this.unread.size;
    const me = person(state.who) ?? { handle: state.who, name: state.who, role: "member" };
    byId("me").replaceChildren(
      avatar(me),
      el("span", { className: "who" }, el("b", { textContent: me.name }), el("small", { textContent: `@${me.handle} · ${me.role}` })),
      el("span", { className: "switch", textContent: "⇅", ariaHidden: "true" }),
    );
    byId("me").setAttribute("aria-label", `You speak as ${me.name}. Speak as somebody else`);
  }

  mark(channel, unread) {
    if (unread) this.unread.add(channel);
    else this.unread.delete(channel);
    this.draw();
  }

  listPeople() {
    const wanted = byId("people-find").value.toLowerCase();
    const found = state.people.filter(({ handle, name }) => `${handle} ${name}`.toLowerCase().includes(wanted));
    byId("people-list").replaceChildren(
      ...found.slice(0, 100).map((one) => {
        const button = el(
          "button", { type: "button", className: "person" }, avatar(one),
          el("span", { className: "who" }, el("b", { textContent: one.name }), el("small", { textContent: `@${one.handle} · ${one.role}` })),
        );
        if (one.handle === state.who) button.setAttribute("aria-current", "true");
        button.addEventListener("click", () => {
          byId("people").hidePopover();
          this.drawer(false);
          this.speakAs(one.handle);
        });
        return el("li", {}, button);
      }),
    );
  }

  join() {
    byId("people").hidePopover();
    const fields = [
      { ...text, name: "name", label: "Name", max_length: 80 },
      { ...text, name: "handle", label: "Handle: small letters and digits, such as grace", max_length: 32 },
    ];
    const submit = async (values) => {
      const joined = await post("people", values);
      await this.load();
      this.drawer(false);
      this.speakAs(joined.handle);
      return {};
    };
    ask({ title: "Somebody new joins", command: "join", problem: "", fields }, { place: state, submit });
  }

  addChannel() {
    const fields = [
      { ...text, name: "name", label: "Name: small letters, digits and dashes", max_length: 49 },
      { ...text, name: "topic", label: "Topic", required: false, max_length: 200 },
    ];
    const submit = async (values) => {
      const made = await post("channels", values);
      await this.load();
      this.drawer(false);
      this.goTo(made.name);
      return {};
    };
    ask({ title: "New channel", command: "channel", problem: "", fields }, { place: state, submit });
  }
}
