// Who speaks, and where. What else the page knows it asks the server for.

const asked = new URLSearchParams(location.search);

export const state = {
  who: asked.get("as") ?? sessionStorage.getItem("who") ?? "",
  channel: asked.get("channel") ?? "general",
  thread: null,
  people: [],
  channels: [],
  groups: [],
  name: "Bookwiz",
};

export function remember() {
  sessionStorage.setItem("who", state.who);
  const query = new URLSearchParams({ as: state.who, channel: state.channel });
  history.replaceState(null, "", `/?${query}`);
}

const readKey = (channel) => `read ${state.who} ${channel}`;

export const lastRead = (channel) => Number(localStorage.getItem(readKey(channel)) ?? 0);

export function markRead(channel, id) {
  if (id > lastRead(channel)) localStorage.setItem(readKey(channel), String(id));
}

export const person = (handle) => state.people.find((one) => one.handle === handle);
export const commands = () => state.groups.flatMap((group) => group.commands);
