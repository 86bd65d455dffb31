/* Editing on the page: decide about an article, undo. session.js signs editors in; the browser sends
   their session with each request. */
const POLL_MS = 500;
const POLL_TRIES = 40;

const root = document.documentElement;
const editor = document.getElementById("editor");
const { site, zone } = editor.dataset;
const messages = editor.querySelector("template").content;
const toast = editor.querySelector(".toast");
const decisionDialog = document.getElementById("decide");
const log = document.getElementById("log");

const isEditor = () => root.classList.contains("editor");
/* Decisions that this page can undo, latest last, and its newest decision per article. */
const undoable = [];
const newest = new Map();

/* Returns a message as nodes. A value may be a title, with its own text direction. */
function sentence(word, put = {}) {
  const text = messages.querySelector(`[data-message="${word}"]`).textContent;
  return text.split(/\{(\w+)\}/).map((part, at) => {
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

/* Sends a request as an editor. Throws a Refusal with the reason if it fails. */
async function call(path, unavailable, body) {
  const address = new URL(`${editor.dataset.root}v1/articles/${path}`, location);
  let answer;
  try {
    answer = await fetch(address, {
      method: body ? "PUT" : "GET",
      body: body && JSON.stringify(body),
      headers: body && { "Content-Type": "application/json" },
      cache: "no-store",
      credentials: "same-origin",
      signal: AbortSignal.timeout(15_000),
    });
  } catch {
    throw unavailable;
  }
  if (answer.ok) return answer.json();
  if (answer.status === 401) {
    document.dispatchEvent(new Event("signed-out"));
    throw new Refusal("signed_out");
  }
  if (answer.status >= 500) throw unavailable;
  const problem = await answer.json().catch(() => ({ detail: String(answer.status) }));
  if (answer.status === 403 && problem.type?.endsWith(":forbidden")) throw new Refusal("token_wrong_role");
  throw new Refusal("request_refused", { detail: problem.detail });
}

const query = (parameters) => `?${new URLSearchParams({ site, ...parameters })}`;

const placements = (key) =>
  call(`${encodeURIComponent(key)}/placements${query({ limit: 1 })}`, new Refusal("service_unavailable")).then((answer) => answer.items[0]);

const send = (key, body) =>
  call(`${encodeURIComponent(key)}/placement${query()}`, new Refusal("collector_unavailable"), body);

const signIn = (then, why) => document.dispatchEvent(new CustomEvent("sign-in", { detail: { then, why } }));

function showError(dialog, ...nodes) {
  dialog.querySelector(".wrong").replaceChildren(...nodes);
}

function setBusy(dialog, is) {
  dialog.toggleAttribute("aria-busy", is);
  for (const button of dialog.querySelectorAll("button.go, [data-act=reset]")) button.disabled = is;
}

/* ---- Deciding ---- */

/* The article that an action applies to: the row with the focus, or the article of the page. */
function targetArticle(within = document.activeElement) {
  const row = within.closest("li[data-key]");
  if (row) return { key: row.dataset.key, title: row.querySelector("h2 bdi").textContent, rank: row.value };
  const article = document.querySelector("article[data-key]");
  return article && { key: article.dataset.key, title: article.querySelector("h1 bdi").textContent };
}

const LOG_FIELDS = new Set(["id", "decided_at", "by", "reason", "undoes", "undo"]);
const TIMES = ["embargo_until", "expires_at", "until"];
let current;

/* The fields of a decision in force, ready to be sent: times in milliseconds. */
function inForce(item) {
  if (!item || (item.until && Date.parse(item.until) <= Date.now())) return {};
  return Object.fromEntries(
    Object.entries(item)
      .filter(([name, value]) => value !== null && !LOG_FIELDS.has(name))
      .map(([name, value]) => [name, typeof value === "string" ? Date.parse(value) : value]),
  );
}

async function decide(article, action) {
  if (!decisionDialog || !article) return;
  if (!isEditor()) return signIn(() => decide(article, action));
  const form = decisionDialog.querySelector("form");
  const fields = decisionDialog.querySelector(".fields");
  const state = decisionDialog.querySelector("[role=status]");
  current = { ...article };
  form.reset();
  decisionDialog.querySelector("h2 bdi").textContent = article.title;
  showError(decisionDialog);
  fields.disabled = true;
  setBusy(decisionDialog, true);
  state.hidden = false;
  decisionDialog.showModal();
  let item;
  try {
    item = await placements(article.key);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    if (isEditor()) return showError(decisionDialog, ...error.nodes);
    decisionDialog.close();
    return signIn(() => decide(article, action), error.nodes);
  }
  if (!decisionDialog.open || current.key !== article.key) return;
  current.before = item?.id;
  current.holds = inForce(item);
  state.hidden = true;
  fields.disabled = false;
  setBusy(decisionDialog, false);
  form.elements.hidden.value = String(action === "hide" ? true : (current.holds.hidden ?? "cms"));
  form.elements.pinned.value = current.holds.pinned ?? (action === "pin" ? Math.min(article.rank ?? 1, 100) : "");
  form.elements.approved.checked = Boolean(current.holds.approved);
  for (const name of TIMES) form.elements[name].value = current.holds[name] ? localTime(current.holds[name]) : "";
  decisionDialog.querySelector("details").open = Boolean(current.holds.embargo_until || current.holds.expires_at);
  const first = form.elements[action === "pin" ? "pinned" : "reason"];
  first.focus();
  first.select();
}

function decision() {
  const { elements } = decisionDialog.querySelector("form");
  /* A decision replaces the previous one, so fields without a form element are kept. */
  const body = { ...current.holds, hidden: { true: true, false: false }[elements.hidden.value] };
  body.pinned = elements.pinned.value === "" ? undefined : Number(elements.pinned.value);
  body.approved = elements.approved.checked || undefined;
  for (const name of TIMES) body[name] = elements[name].value ? timestamp(elements[name].value) : undefined;
  return body;
}

async function submit(body, word) {
  const reason = decisionDialog.querySelector("form").elements.reason.value.trim();
  const sent = { ...body, reason: reason || undefined };
  const article = current;
  showError(decisionDialog);
  setBusy(decisionDialog, true);
  try {
    const saved = await send(article.key, sent);
    decisionDialog.close();
    await follow(article, saved, word);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    if (!isEditor()) {
      decisionDialog.close();
      signIn(() => decide(article), error.nodes);
    } else showError(decisionDialog, ...error.nodes);
  } finally {
    setBusy(decisionDialog, false);
  }
}

/* Confirms a decision, then polls until the log contains it: by then the list reflects it, and the
   log has the decision that undoes it. */
async function follow(article, saved, word, canUndo = true) {
  notify(sentence(word, { title: article.title, rank: saved.pinned }));
  for (let tries = 0; tries < POLL_TRIES; tries += 1) {
    let item;
    try {
      item = await placements(article.key);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return notify(error.nodes);
    }
    if (item && item.id !== article.before) {
      document.dispatchEvent(new Event("decided"));
      loadLog();
      newest.set(article.key, item.id);
      if (canUndo && item.by === saved.by && item.reason === (saved.reason ?? null)) {
        undoable.push({ article, item });
        notify(sentence(word, { title: article.title, rank: saved.pinned }), true);
      }
      return;
    }
    await new Promise((later) => setTimeout(later, POLL_MS));
  }
  notify(sentence("done.pending"));
}

async function undo() {
  if (!isEditor()) return;
  const last = undoable.pop();
  if (!last) return notify(sentence("undo_nothing"));
  const { article, item } = last;
  try {
    const now = await placements(article.key);
    /* Do not undo a later decision of a colleague by accident. */
    if (now?.id !== newest.get(article.key)) return notify(sentence("undo_conflict", article));
    await sendUndo({ ...article, before: now.id }, item.undo);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    undoable.push(last);
    notify(error.nodes);
  }
}

async function sendUndo(article, body) {
  await follow(article, await send(article.key, body), "done.undone", false);
}

function notify(nodes, canUndo = false) {
  const close = document.createElement("button");
  close.type = "button";
  close.dataset.act = "dismiss";
  close.append(...sentence("close"));
  const back = document.createElement("button");
  back.type = "button";
  back.dataset.act = "undo";
  back.append(...sentence("undo"));
  const hadFocus = toast.contains(document.activeElement);
  toast.hidden = false;
  toast.firstElementChild.replaceChildren(...nodes);
  toast.replaceChildren(toast.firstElementChild, ...(canUndo ? [back] : []), close);
  if (hadFocus) close.focus();
}

/* ---- Times in the zone of the page ---- */

const parts = new Intl.DateTimeFormat("en-CA", {
  year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: zone,
});

function localTime(milliseconds) {
  const result = Object.fromEntries(parts.formatToParts(milliseconds).map((part) => [part.type, part.value]));
  return `${result.year}-${result.month}-${result.day}T${result.hour}:${result.minute}`;
}

/* Returns the timestamp at which the clock of the zone shows a local time; it is at most an hour
   off when clocks change. */
function timestamp(written) {
  const wanted = Date.parse(`${written}Z`);
  let result = wanted;
  for (let turn = 0; turn < 2; turn += 1) result += wanted - Date.parse(`${localTime(result)}Z`);
  return result;
}

/* ---- Decision log of an article page ---- */

function loadLog() {
  if (!log) return;
  const content = log.lastElementChild;
  if (!isEditor()) return content.replaceChildren();
  const request = new XMLHttpRequest();
  const address = new URL(log.dataset.decisions, location);
  request.open("GET", address);
  /* The browser parses it into a separate document, in which no script runs. */
  request.responseType = "document";
  request.timeout = 15_000;
  request.onload = () => {
    const next = request.response?.querySelector("[data-log]");
    showError(log);
    if (request.status === 401) return document.dispatchEvent(new Event("signed-out"));
    if (!isEditor()) return;
    if (request.status !== 200 || !next) return showError(log, ...sentence("service_unavailable"));
    if (next.isEqualNode(content.firstElementChild)) return;
    const hadFocus = content.contains(document.activeElement);
    content.replaceChildren(document.adoptNode(next));
    if (hadFocus) log.querySelector("h2").focus();
  };
  request.onerror = request.ontimeout = () => showError(log, ...sentence("service_unavailable"));
  request.send();
}

async function undoLogged(button) {
  button.disabled = true;
  const article = targetArticle();
  try {
    article.before = (await placements(article.key))?.id;
    await sendUndo(article, JSON.parse(button.dataset.undo));
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    button.disabled = false;
    notify(error.nodes);
  }
}

/* ---- Buttons; keys.js clicks them too ---- */

const actions = {
  hide: (button) => decide(targetArticle(button), "hide"),
  pin: (button) => decide(targetArticle(button), "pin"),
  reset: () => submit({}, "done.reset"),
  close: (button) => button.closest("dialog").close(),
  dismiss: () => {
    toast.hidden = true;
  },
  undo,
};

document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button?.dataset.undo) undoLogged(button);
  else actions[button?.dataset.act]?.(button);
});

decisionDialog?.addEventListener("submit", (event) => {
  event.preventDefault();
  const body = decision();
  const word = body.hidden ? "done.hidden" : body.pinned ? "done.pinned" : "done.saved";
  submit(body, word);
});

/* The row may have moved, or left the list, while the dialog was open. A browser takes the focus out
   of a closed dialog when it next renders, which may be after this event. */
decisionDialog?.addEventListener("close", () => {
  const active = document.activeElement;
  if (active !== document.body && !decisionDialog.contains(active)) return;
  [...document.querySelectorAll("li[data-key]")].find((row) => row.dataset.key === current.key)?.focus();
});

document.addEventListener("undo", undo);
document.addEventListener("renewed", loadLog);
document.addEventListener("signed", loadLog);
loadLog();
