// The server's JSON API, as the person who speaks.

import { state } from "./state.js";

export class Problem extends Error {
  constructor(answer) {
    super(answer.problem ?? "Something broke on our side.");
    this.answer = answer;
  }

  get sentence() {
    const { problem, expected, got, fix } = this.answer;
    const more = [expected && `Expected: ${expected}.`, got && `Got: ${got}.`, fix];
    return [problem ?? this.message, ...more.filter(Boolean)].join(" ");
  }
}

const away = { problem: "The bot cannot be reached just now.", fix: "Try again in a moment." };

async function answered(asking) {
  let response;
  try {
    response = await asking;
  } catch {
    throw new Problem(away);
  }
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Problem(answer);
  return answer;
}

export function get(path, query = {}) {
  const asked = new URLSearchParams({ as: state.who, ...query });
  return answered(fetch(`/api/${path}?${asked}`));
}

export function post(path, body) {
  const headers = { "Content-Type": "application/json" };
  return answered(fetch(`/api/${path}`, { method: "POST", headers, body: JSON.stringify(body) }));
}

// XMLHttpRequest, because fetch cannot tell how much of a body is sent.
export function upload(file, onProgress) {
  const request = new XMLHttpRequest();
  const done = new Promise((resolve, reject) => {
    request.open("POST", `/api/uploads?${new URLSearchParams({ name: file.name })}`);
    request.setRequestHeader("X-Bookwiz", "page");
    request.responseType = "json";
    request.upload.onprogress = (event) => onProgress(event.loaded / Math.max(1, event.total));
    request.onload = () => {
      const answer = request.response ?? {};
      if (request.status < 400) resolve(answer);
      else reject(new Problem(answer));
    };
    request.onerror = () => reject(new Problem(away));
    request.onabort = () => reject(new Problem({ problem: "Cancelled." }));
    request.send(file);
  });
  return { done, cancel: () => request.abort() };
}
