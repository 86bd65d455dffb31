/* What editors do on the page: they sign in, decide about an article, and take it back. Decisions go
   to the collector, which is another origin. The token is kept in sessionStorage: for this tab alone,
   until it is closed, and no browser sends it by itself. It goes in a header, and never into an
   address. */
const KEPT = "mostread-editor";
const SEEN_MS = 500;
const SEEN_TRIES = 40;

const root = document.documentElement;
const desk = document.getElementById("desk");
const { collector, site, zone } = desk.dataset;
const said = desk.querySelector("template").content;
const told = desk.querySelector(".told");
const signing = document.getElementById("token");
const deciding = document.getElementById("decide");
const log = document.getElementById("log");

let token = sessionStorage.getItem(KEPT);
/* What was decided here, the last at the end; and the newest decision of ours about each article. */
const done = [];
const newest = new Map();

/* Returns a sentence as nodes. What is put in may be a title: text, with a direction of its own. */
function sentence(word, put = {}) {
  const text = said.querySelector(`[data-word="${word}"]`).textContent;
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

/* Asks as an editor. Throws a Refusal that says why there is no answer. */
async function ask(address, away, body) {
  let answer;
  try {
    answer = await fetch(address, {
      method: body ? "PUT" : "GET",
      body: body && JSON.stringify(body),
      headers: { Authorization: `Bearer ${token}`, ...(body && { "Content-Type": "application/json" }) },
      cache: "no-store",
      credentials: "omit",
      referrerPolicy: "no-referrer",
      signal: AbortSignal.timeout(15_000),
    });
  } catch {
    throw away;
  }
  if (answer.ok) return answer.json();
  if (answer.status === 401) {
    signOut();
    throw new Refusal("bearer_unknown");
  }
  if (answer.status >= 500) throw away;
  const problem = await answer.json().catch(() => ({ detail: String(answer.status) }));
  if (answer.status === 403 && problem.type?.endsWith(":forbidden")) throw new Refusal("bearer_role");
  throw new Refusal("refused", { detail: problem.detail });
}

const placements = (key) => {
  const address = new URL(`${desk.dataset.root}v1/articles/${encodeURIComponent(key)}/placements`, location);
  address.search = new URLSearchParams({ site, limit: 1 });
  return ask(address, new Refusal("away")).then((answer) => answer.items[0]);
};

function send(key, body) {
  const address = new URL(`v1/articles/${encodeURIComponent(key)}/placement`, collector);
  address.search = new URLSearchParams({ site });
  return ask(address, new Refusal("collector_away", { collector }), body);
}

/* ---- Signing in ---- */

let afterwards;

function signedIn() {
  root.classList.toggle("editor", Boolean(token));
  for (const button of document.querySelectorAll(".tools [data-act=sign]")) button.replaceChildren(...sentence(token ? "sign_out" : "sign_in"));
  readLog();
}

function signOut() {
  token = null;
  sessionStorage.removeItem(KEPT);
  signedIn();
}

function signIn(then, why = []) {
  afterwards = then;
  wrong(signing, ...why);
  signing.querySelector("input").value = "";
  signing.showModal();
}

async function tryToken() {
  const shown = signing.querySelector("input").value.trim();
  wrong(signing);
  busy(signing, true);
  try {
    /* What is no header cannot be a token. */
    if (!/^[!-~]+$/.test(shown)) throw new Refusal("bearer_unknown");
    token = shown;
    await placements("-");
  } catch (error) {
    token = null;
    if (!(error instanceof Refusal)) throw error;
    return wrong(signing, ...error.nodes);
  } finally {
    busy(signing, false);
  }
  sessionStorage.setItem(KEPT, token);
  signing.close();
  signedIn();
  afterwards?.();
}

function wrong(dialog, ...nodes) {
  dialog.querySelector(".wrong").replaceChildren(...nodes);
}

function busy(dialog, is) {
  dialog.toggleAttribute("aria-busy", is);
  for (const button of dialog.querySelectorAll("button.go, [data-act=leave]")) button.disabled = is;
}

/* ---- Deciding ---- */

/* The article that is meant: the row with the focus, or what the page is about. */
function meant(within = document.activeElement) {
  const row = within.closest("li[data-key]");
  if (row) return { key: row.dataset.key, title: row.querySelector("h2 bdi").textContent, rank: row.value };
  const article = document.querySelector("article[data-key]");
  return article && { key: article.dataset.key, title: article.querySelector("h1 bdi").textContent };
}

const OWN = new Set(["id", "decided_at", "by", "reason", "undoes", "undo"]);
const TIMES = ["embargo_until", "expires_at", "until"];
let about;

/* What of a decision holds still, as it would be sent: times in milliseconds. */
function holding(item) {
  if (!item || (item.until && Date.parse(item.until) <= Date.now())) return {};
  return Object.fromEntries(
    Object.entries(item)
      .filter(([name, value]) => value !== null && !OWN.has(name))
      .map(([name, value]) => [name, typeof value === "string" ? Date.parse(value) : value]),
  );
}

async function decide(article, want) {
  if (!collector || !article) return;
  if (!token) return signIn(() => decide(article, want));
  const form = deciding.querySelector("form");
  const fields = deciding.querySelector(".fields");
  const state = deciding.querySelector("[role=status]");
  about = { ...article };
  form.reset();
  deciding.querySelector("h2 bdi").textContent = article.title;
  wrong(deciding);
  fields.disabled = true;
  busy(deciding, true);
  state.hidden = false;
  deciding.showModal();
  let item;
  try {
    item = await placements(article.key);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    if (token) return wrong(deciding, ...error.nodes);
    deciding.close();
    return signIn(() => decide(article, want), error.nodes);
  }
  if (!deciding.open || about.key !== article.key) return;
  about.before = item?.id;
  about.holds = holding(item);
  state.hidden = true;
  fields.disabled = false;
  busy(deciding, false);
  form.elements.hidden.value = String(want === "hide" ? true : (about.holds.hidden ?? "cms"));
  form.elements.pinned.value = about.holds.pinned ?? (want === "pin" ? Math.min(article.rank ?? 1, 100) : "");
  form.elements.approved.checked = Boolean(about.holds.approved);
  for (const name of TIMES) form.elements[name].value = about.holds[name] ? local(about.holds[name]) : "";
  deciding.querySelector("details").open = Boolean(about.holds.embargo_until || about.holds.expires_at);
  const first = form.elements[want === "pin" ? "pinned" : "reason"];
  first.focus();
  first.select();
}

function decision() {
  const { elements } = deciding.querySelector("form");
  /* A decision is whole: what this page has no field for stays as it was. */
  const body = { ...about.holds, hidden: { true: true, false: false }[elements.hidden.value] };
  body.pinned = elements.pinned.value === "" ? undefined : Number(elements.pinned.value);
  body.approved = elements.approved.checked || undefined;
  for (const name of TIMES) body[name] = elements[name].value ? moment(elements[name].value) : undefined;
  return body;
}

async function submit(body, word) {
  const reason = deciding.querySelector("form").elements.reason.value.trim();
  const sent = { ...body, reason: reason || undefined };
  const article = about;
  wrong(deciding);
  busy(deciding, true);
  try {
    const kept = await send(article.key, sent);
    deciding.close();
    await follow(article, kept, word);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    if (!token) {
      deciding.close();
      signIn(() => decide(article), error.nodes);
    } else wrong(deciding, ...error.nodes);
  } finally {
    busy(deciding, false);
  }
}

/* Says what was decided, and waits until the log has it: then it is in the list as well, and the log
   has what takes it back. */
async function follow(article, kept, word, undoable = true) {
  tell(sentence(word, { title: article.title, rank: kept.pinned }));
  for (let tries = 0; tries < SEEN_TRIES; tries += 1) {
    let item;
    try {
      item = await placements(article.key);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return tell(error.nodes);
    }
    if (item && item.id !== article.before) {
      document.dispatchEvent(new Event("decided"));
      readLog();
      newest.set(article.key, item.id);
      if (undoable && item.by === kept.by && item.reason === (kept.reason ?? null)) {
        done.push({ article, item });
        tell(sentence(word, { title: article.title, rank: kept.pinned }), true);
      }
      return;
    }
    await new Promise((later) => setTimeout(later, SEEN_MS));
  }
  tell(sentence("told_slow"));
}

async function undo() {
  if (!token || !collector) return;
  const last = done.pop();
  if (!last) return tell(sentence("no_undo"));
  const { article, item } = last;
  try {
    const now = await placements(article.key);
    /* Nobody takes back by accident what a colleague has decided since. */
    if (now?.id !== newest.get(article.key)) return tell(sentence("overtaken", article));
    await takeBack({ ...article, before: now.id }, item.undo);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    done.push(last);
    tell(error.nodes);
  }
}

async function takeBack(article, body) {
  await follow(article, await send(article.key, body), "told_undone", false);
}

function tell(nodes, undoable = false) {
  const close = document.createElement("button");
  close.type = "button";
  close.dataset.act = "hush";
  close.append(...sentence("close"));
  const back = document.createElement("button");
  back.type = "button";
  back.dataset.act = "undo";
  back.append(...sentence("undo"));
  const held = told.contains(document.activeElement);
  told.hidden = false;
  told.firstElementChild.replaceChildren(...nodes);
  told.replaceChildren(told.firstElementChild, ...(undoable ? [back] : []), close);
  if (held) close.focus();
}

/* ---- Times of the page's zone ---- */

const parts = new Intl.DateTimeFormat("en-CA", {
  year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: zone,
});

function local(milliseconds) {
  const found = Object.fromEntries(parts.formatToParts(milliseconds).map((part) => [part.type, part.value]));
  return `${found.year}-${found.month}-${found.day}T${found.hour}:${found.minute}`;
}

/* Looks for the moment whose clock shows this: an hour off at most where the clocks change. */
function moment(written) {
  const wanted = Date.parse(`${written}Z`);
  let found = wanted;
  for (let turn = 0; turn < 2; turn += 1) found += wanted - Date.parse(`${local(found)}Z`);
  return found;
}

/* ---- The log on an article's page ---- */

function readLog() {
  if (!log) return;
  const place = log.lastElementChild;
  if (!token) return place.replaceChildren();
  const asked = token;
  const request = new XMLHttpRequest();
  const address = new URL(log.dataset.decisions, location);
  request.open("GET", address);
  request.setRequestHeader("Authorization", `Bearer ${token}`);
  /* Parsed by the browser into a document of its own, in which nothing runs. */
  request.responseType = "document";
  request.timeout = 15_000;
  request.onload = () => {
    const next = request.response?.querySelector("[data-log]");
    if (token !== asked) return;
    wrong(log);
    if (request.status === 401) return signOut();
    if (request.status !== 200 || !next) return wrong(log, ...sentence("away"));
    if (next.isEqualNode(place.firstElementChild)) return;
    const held = place.contains(document.activeElement);
    place.replaceChildren(document.adoptNode(next));
    if (held) log.querySelector("h2").focus();
  };
  request.onerror = request.ontimeout = () => wrong(log, ...sentence("away"));
  request.send();
}

async function takeBackLogged(button) {
  button.disabled = true;
  const article = meant();
  try {
    article.before = (await placements(article.key))?.id;
    await takeBack(article, JSON.parse(button.dataset.undo));
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    button.disabled = false;
    tell(error.nodes);
  }
}

/* ---- What buttons do; keys.js presses them, too ---- */

const acts = {
  sign: () => (token ? signOut() : signIn()),
  hide: (button) => decide(meant(button), "hide"),
  pin: (button) => decide(meant(button), "pin"),
  leave: () => submit({}, "told_left"),
  close: (button) => button.closest("dialog").close(),
  hush: () => {
    told.hidden = true;
  },
  undo,
};

document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button?.dataset.undo) takeBackLogged(button);
  else acts[button?.dataset.act]?.(button);
});

signing?.addEventListener("submit", (event) => {
  event.preventDefault();
  tryToken();
});
deciding?.addEventListener("submit", (event) => {
  event.preventDefault();
  const body = decision();
  const word = body.hidden ? "told_hidden" : body.pinned ? "told_pinned" : "told_decided";
  submit(body, word);
});

/* A row may have moved, or left, while the dialog was open. */
deciding?.addEventListener("close", () => {
  if (document.activeElement !== document.body) return;
  [...document.querySelectorAll("li[data-key]")].find((row) => row.dataset.key === about.key)?.focus();
});

document.addEventListener("undo", undo);
document.addEventListener("renewed", readLog);
signedIn();
