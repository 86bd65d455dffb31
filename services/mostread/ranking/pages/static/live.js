/* Keeps the page up to date. When the stream of the list reports a change, the script requests the
   page again and replaces the parts that differ, so that only the service renders titles. If that
   fails, the page shows since when, and the script retries. */
const POLL = 15_000;
const RETRY = 3_000;
const TIMEOUT = 10_000;

const notice = document.getElementById("live");
const lost = document.getElementById("lost").content;
const calm = matchMedia("(prefers-reduced-motion: reduce)");
const clock = new Intl.DateTimeFormat(document.documentElement.lang, {
  hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23", timeZone: notice.dataset.zone,
});
const scripts = (page) => [...page.querySelectorAll("script[src]")].map((each) => each.getAttribute("src")).join();

let stream;
let lastEvent = Date.now();
let renewedAt = Date.now();
let requestedAt = Date.now();
let failing = false;
let loading = false;
let changed = false;

function load() {
  return new Promise((done, failed) => {
    const request = new XMLHttpRequest();
    request.open("GET", location.href);
    /* The browser parses it into a separate document, in which no script runs. */
    request.responseType = "document";
    request.timeout = TIMEOUT;
    request.onload = () => {
      const page = request.response;
      request.status === 200 && page?.getElementById("live") ? done(page) : failed();
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
    const page = await load();
    /* The service has been updated; nobody reloads a page on a wall screen. */
    if (scripts(page) !== scripts(document)) return location.reload();
    show(page);
    document.dispatchEvent(new Event("renewed"));
    renewedAt = Date.now();
    failing = false;
    notice.replaceChildren();
  } catch {
    warn();
  }
  loading = false;
  if (changed) {
    changed = false;
    renew();
  }
}

function warn() {
  if (failing) return;
  failing = true;
  const warning = document.importNode(lost, true);
  const since = warning.querySelector("time");
  since.dateTime = new Date(renewedAt).toISOString();
  since.textContent = `${clock.format(renewedAt)} (${notice.dataset.zone})`;
  notice.replaceChildren(warning);
}

function show(page) {
  for (const part of document.querySelectorAll("[data-part]")) {
    const next = page.querySelector(`[data-part="${part.dataset.part}"]`);
    if (!next || part.isEqualNode(next)) continue;
    const rows = part.querySelector("ol");
    const nextRows = next.querySelector("ol");
    if (rows && nextRows) reorder(rows, nextRows);
    else part.replaceChildren(...next.childNodes);
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

function follow() {
  if (!notice.dataset.stream) return;
  stream?.close();
  lastEvent = Date.now();
  stream = new EventSource(notice.dataset.stream);
  /* The first event carries the current list, which may have changed since the page was loaded. */
  for (const name of ["list", "fresh"]) {
    stream.addEventListener(name, () => {
      lastEvent = Date.now();
      renew();
    });
  }
  stream.onerror = renew;
}

function tick() {
  if (document.hidden) return;
  if (Date.now() - lastEvent > 2 * POLL) follow();
  if (Date.now() - requestedAt > (failing ? RETRY : POLL)) renew();
}

/* A hidden page closes its connection: browsers allow six per service, for all tabs. */
document.addEventListener("visibilitychange", () => {
  if (document.hidden) return stream?.close();
  follow();
  renew();
});

/* A cached list may be two seconds old, and a search has no stream. */
document.addEventListener("decided", () => {
  renew();
  setTimeout(renew, 2_500);
});

if (!document.hidden) follow();
setInterval(tick, 1_000);
