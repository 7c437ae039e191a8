// What happens while the page is open. After a gap the server tells what was missed.

import { state } from "./state.js";

const AGAIN = 1500;

export class Stream {
  // `on` has message, edit, channel, reload, away and back.
  constructor(on) {
    Object.assign(this, { on, source: null, last: "", away: false });
  }

  // Resolves when the server listens to us, so that nothing falls between history and stream.
  connect() {
    this.source?.close();
    clearTimeout(this.timer);
    const query = new URLSearchParams({ as: state.who, ...(this.last ? { since: this.last } : {}) });
    const source = new EventSource(`/api/events?${query}`);
    this.source = source;
    const hear = (kind, run) =>
      source.addEventListener(kind, (event) => {
        if (event.lastEventId) this.last = event.lastEventId;
        run(JSON.parse(event.data));
      });
    for (const kind of ["message", "edit", "channel", "reload"]) hear(kind, (data) => this.on[kind](data));
    source.addEventListener("error", () => {
      if (this.source !== source) return;
      if (!this.away) this.on.away();
      this.away = true;
      // We connect anew by ourselves: browsers give up on an answer that is an error.
      source.close();
      this.timer = setTimeout(() => this.connect(), AGAIN);
    });
    return new Promise((resolve) => {
      hear("hello", () => {
        resolve();
        if (this.away) this.on.back();
        this.away = false;
      });
    });
  }

  switchPerson() {
    this.last = "";
    return this.connect();
  }
}
