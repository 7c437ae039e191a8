// Instants as the reader's own clock and calendar show them.

const clock = new Intl.DateTimeFormat(undefined, { hour: "numeric", minute: "2-digit" });
const day = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });
const dayAndClock = new Intl.DateTimeFormat(undefined, {
  weekday: "short", day: "numeric", month: "short", hour: "numeric", minute: "2-digit",
});
const whole = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" });
const apart = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });
const units = [["day", 86400], ["hour", 3600], ["minute", 60]];

export const clockOf = (moment) => clock.format(moment);
export const wholeOf = (moment) => whole.format(moment);
export const sameDay = (one, other) => one.toDateString() === other.toDateString();

export function dayOf(moment) {
  const today = new Date();
  const yesterday = new Date(today.getFullYear(), today.getMonth(), today.getDate() - 1);
  if (sameDay(moment, today)) return "Today";
  return sameDay(moment, yesterday) ? "Yesterday" : day.format(moment);
}

function fromNow(moment) {
  const seconds = (moment - Date.now()) / 1000;
  const [unit, size] = units.find(([, size]) => Math.abs(seconds) >= size) ?? ["minute", 60];
  return apart.format(Math.round(seconds / size), unit);
}

export function localize(root) {
  for (const node of root.querySelectorAll("time.when")) {
    const moment = new Date(node.dateTime);
    if (Number.isNaN(moment.getTime())) continue;
    node.textContent = dayAndClock.format(moment);
    node.title = `${wholeOf(moment)}, ${fromNow(moment)}`;
  }
}
