/* Keeps the page up to date. The stream of a list page sends the parts that changed, rendered by the
   service, so that only its template determines what a row looks like. A page without a stream is
   requested again every few seconds. If that fails, the page shows since when, and the script
   retries. */
const POLL = 15_000;
const RETRY = 3_000;
const TIMEOUT = 10_000;

const notice = document.getElementById("live");
const { page, worker, version, zone } = notice.dataset;
const lost = document.getElementById("lost").content;
const calm = matchMedia("(prefers-reduced-motion: reduce)");
const clock = new Intl.DateTimeFormat(document.documentElement.lang, {
  hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23", timeZone: zone,
});
/* The only policy that the browser allows, and this script keeps it to itself. */
const identity = { createHTML: String, createScriptURL: String };
const trusted = globalThis.trustedTypes?.createPolicy("live", identity) ?? identity;

let renewedAt = Date.now();
let requestedAt = Date.now();
let postedAt = 0;
let failing = false;
let loading = false;
let changed = false;
/* The list of an editor may contain more articles, so the stream only tells when to request it. */
const isEditor = () => document.documentElement.classList.contains("editor");

function load() {
  return new Promise((done, failed) => {
    const request = new XMLHttpRequest();
    request.open("GET", location.href);
    /* The browser parses it into a separate document, in which no script runs. */
    request.responseType = "document";
    request.timeout = TIMEOUT;
    request.onload = () => {
      /* Signed out meanwhile: the service answers with the page to sign in. */
      if (request.status === 401 || request.status === 403) return location.reload();
      /* The article is withheld, and this is not an editor: nothing of it stays. */
      if (request.status === 404) return location.reload();
      const next = request.response;
      request.status === 200 && next?.getElementById("live") ? done(next) : failed();
    };
    request.onerror = request.ontimeout = failed;
    request.send();
  });
}

async function renew() {
  if (loading) {
    changed = true;
    return;
  }
  loading = true;
  requestedAt = Date.now();
  try {
    const started = requestedAt;
    const next = await load();
    /* The stream was faster. */
    if (renewedAt <= started) update(next, next.getElementById("live").dataset.version);
  } catch {
    warn();
  }
  loading = false;
  if (changed) {
    changed = false;
    renew();
  }
}

function update(next, nextVersion) {
  /* The service has been updated; nobody reloads a page on a wall screen. */
  if (nextVersion !== version) return location.reload();
  show(next);
  document.dispatchEvent(new Event("renewed"));
  renewedAt = Date.now();
  failing = false;
  notice.replaceChildren();
}

function warn() {
  if (failing) return;
  failing = true;
  const warning = document.importNode(lost, true);
  const since = warning.querySelector("time");
  since.dateTime = new Date(renewedAt).toISOString();
  since.textContent = `${clock.format(renewedAt)} (${zone})`;
  notice.replaceChildren(warning);
}

function show(next) {
  for (const part of document.querySelectorAll("[data-part]")) {
    const nextPart = next.querySelector(`[data-part="${part.dataset.part}"]`);
    if (!nextPart || part.isEqualNode(nextPart)) continue;
    const rows = part.querySelector("ol, .decided");
    const nextRows = nextPart.querySelector("ol, .decided");
    Object.assign(part.dataset, nextPart.dataset);
    if (rows && nextRows) reorder(rows, nextRows);
    else part.replaceChildren(...nextPart.childNodes);
  }
}

/* The focusable elements of a row, the row itself first. */
const stops = (row) => [row, ...row.querySelectorAll("a, button")];

/* Moves each row from its old to its new position. The keyboard focus stays on its row, or on the
   same position if the row has left the list. */
function reorder(rows, next) {
  const before = new Map([...rows.children].map((row) => [row.dataset.key, row]));
  const tops = new Map([...before].map(([key, row]) => [key, row.getBoundingClientRect().top]));
  const focused = document.activeElement.closest("li[data-key]");
  const stop = focused && stops(focused).indexOf(document.activeElement);
  const position = [...rows.children].indexOf(focused);
  for (const row of rows.children) row.getAnimations().forEach((each) => each.cancel());
  rows.replaceChildren(...[...next.children].map((row) => {
    const old = before.get(row.dataset.key);
    return old?.isEqualNode(row) ? old : document.adoptNode(row);
  }));
  for (const row of rows.children) {
    const top = tops.get(row.dataset.key);
    if (focused?.dataset.key === row.dataset.key) stops(row)[stop]?.focus({ preventScroll: true });
    if (calm.matches) continue;
    const moved = top - row.getBoundingClientRect().top;
    if (top === undefined) row.animate({ opacity: [0, 1] }, 700);
    else if (moved) row.animate({ transform: [`translateY(${moved}px)`, "none"] }, { duration: 700, easing: "ease-in-out" });
  }
  if (focused && !focused.isConnected && document.activeElement === document.body) {
    (rows.children[position] ?? rows.lastElementChild)?.focus({ preventScroll: true });
  }
}

/* ---- The stream ---- */

function receive(sent) {
  if (sent.lost || isEditor()) return renew();
  /* Parsed into a separate document, in which no script runs. */
  update(new DOMParser().parseFromString(trusted.createHTML(sent.html), "text/html"), sent.version);
}

/* Both return a function that is called with the page to follow, regularly, or null. */
function sharedStream() {
  const { port } = new SharedWorker(trusted.createScriptURL(worker));
  port.onmessage = ({ data }) => receive(data);
  return (followed) => port.postMessage(followed);
}

function ownStream() {
  let stream;
  return (followed) => {
    if (followed && stream && stream.readyState !== EventSource.CLOSED) return;
    stream?.close();
    stream = followed && new EventSource(`live?page=${encodeURIComponent(followed)}`);
    if (!stream) return;
    for (const name of ["list", "fresh"]) stream.addEventListener(name, ({ data }) => receive(JSON.parse(data)));
    stream.onerror = () => receive({ lost: true });
  };
}

function anyStream() {
  try {
    return sharedStream();
  } catch {
    /* Chrome on Android has no shared workers, and browsers that block all storage refuse them. */
    return ownStream();
  }
}

/* A search has no stream. */
const post = page ? anyStream() : () => {};

function follow() {
  postedAt = Date.now();
  post(page);
}

function tick() {
  if (document.hidden) return;
  if (Date.now() - postedAt > POLL) follow();
  if (Date.now() - Math.max(requestedAt, renewedAt) > (failing ? RETRY : POLL)) renew();
}

/* A hidden page costs nothing. */
document.addEventListener("visibilitychange", () => {
  if (document.hidden) return post(null);
  follow();
  if (page) requestedAt = Date.now();
  else renew();
});

/* A cached list may be two seconds old, and a search has no stream. */
document.addEventListener("decided", () => {
  renew();
  setTimeout(renew, 2_500);
});

document.addEventListener("signed", renew);

if (!document.hidden) follow();
setInterval(tick, 1_000);
