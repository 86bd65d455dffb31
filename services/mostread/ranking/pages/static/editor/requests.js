/* Requests of an editor, whose session the browser sends, and the messages that they may end with.
   session.js signs editors in. */
const root = document.documentElement;
const editor = document.getElementById("editor");
const { site } = editor.dataset;
const messages = editor.querySelector("template").content;

const isEditor = () => root.classList.contains("editor");
const signIn = (then, why) => document.dispatchEvent(new CustomEvent("sign-in", { detail: { then, why } }));

const text = (word) => messages.querySelector(`[data-message="${word}"]`).textContent;

/* Returns a message as nodes. A value may be a title, with its own text direction. */
function sentence(word, put = {}) {
  return text(word).split(/\{(\w+)\}/).map((part, at) => {
    if (at % 2 === 0) return part;
    const inner = document.createElement("bdi");
    inner.textContent = put[part];
    return inner;
  });
}

class Refusal extends Error {
  constructor(word, put) {
    super(word);
    this.nodes = sentence(word, put);
  }
}

/* Somebody else has decided since; `latest` is an entry of the log. */
class Conflict extends Error {
  constructor(latest) {
    super("conflict");
    this.latest = latest;
  }
}

const address = (path, parameters = {}) => `${editor.dataset.root}v1/${path}?${new URLSearchParams([["site", site], ...Object.entries(parameters)])}`;

/* Sends a request. Throws a Refusal with the reason if it fails, or a Conflict. */
async function call(url, unavailable, body, timeout = 20_000) {
  let answer;
  try {
    answer = await fetch(url, {
      method: body ? "PUT" : "GET",
      body: body && JSON.stringify(body),
      headers: body && { "Content-Type": "application/json" },
      cache: "no-store",
      credentials: "same-origin",
      signal: AbortSignal.timeout(timeout),
    });
  } catch {
    throw new Refusal(unavailable);
  }
  if (answer.ok) return answer.json();
  if (answer.status === 401) {
    document.dispatchEvent(new Event("signed-out"));
    throw new Refusal("signed_out");
  }
  if (answer.status >= 500) throw new Refusal(unavailable);
  const problem = await answer.json().catch(() => ({ detail: String(answer.status) }));
  if (answer.status === 409) throw new Conflict(problem.latest);
  if (answer.status === 403 && problem.type?.endsWith(":forbidden")) throw new Refusal("token_wrong_role");
  if (answer.status === 403 && problem.type?.endsWith(":foreign-page")) throw new Refusal("foreign_page");
  throw new Refusal("request_refused", { detail: problem.detail });
}

/* The latest decision about an article, undefined without any. An editor does not wait for it longer
   than the service does before it decides without. */
const latest = (key) => call(address(`articles/${encodeURIComponent(key)}/placements`, { limit: 1 }), "service_unavailable", undefined, 5_000).then((answer) => answer.items[0]);

/* `basedOn` is the id of the decision that the editor has seen, "0" for none. */
const send = (key, body, basedOn) => call(address(`articles/${encodeURIComponent(key)}/placement`), "collector_unavailable", { ...body, based_on: basedOn });
