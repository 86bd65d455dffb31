/* Keeps the page as the service has it. The list's stream says that something has changed; the
   page is then asked for again, and what differs is taken over: titles are escaped in one place,
   there. Where it cannot be had, the page says since when, and goes on trying. */
const REST = 15_000;
const TRY_AGAIN = 3_000;
const PATIENCE = 10_000;

const notice = document.getElementById("live");
const lost = document.getElementById("lost").content;
const calm = matchMedia("(prefers-reduced-motion: reduce)");
const clock = new Intl.DateTimeFormat(document.documentElement.lang, {
  hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23", timeZone: notice.dataset.zone,
});
const scripts = (page) => [...page.querySelectorAll("script[src]")].map((each) => each.getAttribute("src")).join();

let stream;
let heard = Date.now();
let shown = Date.now();
let tried = Date.now();
let failing = false;
let asking = false;
let changed = false;

function load() {
  return new Promise((done, failed) => {
    const request = new XMLHttpRequest();
    request.open("GET", location.href);
    /* Parsed by the browser into a document of its own, in which nothing runs. */
    request.responseType = "document";
    request.timeout = PATIENCE;
    request.onload = () => {
      const page = request.response;
      request.status === 200 && page?.getElementById("live") ? done(page) : failed();
    };
    request.onerror = request.ontimeout = failed;
    request.send();
  });
}

async function renew() {
  if (asking) {
    changed = true;
    return;
  }
  asking = true;
  tried = Date.now();
  try {
    const page = await load();
    /* The service is another version by now: a screen on a wall has nobody to reload it. */
    if (scripts(page) !== scripts(document)) return location.reload();
    show(page);
    document.dispatchEvent(new Event("renewed"));
    shown = Date.now();
    failing = false;
    notice.replaceChildren();
  } catch {
    warn();
  }
  asking = false;
  if (changed) {
    changed = false;
    renew();
  }
}

function warn() {
  if (failing) return;
  failing = true;
  const told = document.importNode(lost, true);
  const since = told.querySelector("time");
  since.dateTime = new Date(shown).toISOString();
  since.textContent = `${clock.format(shown)} (${notice.dataset.zone})`;
  notice.replaceChildren(told);
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

/* What takes the focus in a row, the row itself first. */
const stops = (row) => [row, ...row.querySelectorAll("a, button")];

/* Each row goes from where it stood to where it stands; whoever reads with the keyboard stays
   on the row they were on, or, where that has left, at its place. */
function reorder(rows, next) {
  const before = new Map([...rows.children].map((row) => [row.dataset.key, row]));
  const tops = new Map([...before].map(([key, row]) => [key, row.getBoundingClientRect().top]));
  const focused = document.activeElement.closest("li[data-key]");
  const stop = focused && stops(focused).indexOf(document.activeElement);
  const place = [...rows.children].indexOf(focused);
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
    (rows.children[place] ?? rows.lastElementChild)?.focus({ preventScroll: true });
  }
}

function follow() {
  if (!notice.dataset.stream) return;
  stream?.close();
  heard = Date.now();
  stream = new EventSource(notice.dataset.stream);
  /* The first event tells the list as it is: between the page and now it may have changed. */
  for (const name of ["list", "fresh"]) {
    stream.addEventListener(name, () => {
      heard = Date.now();
      renew();
    });
  }
  stream.onerror = renew;
}

function tick() {
  if (document.hidden) return;
  if (Date.now() - heard > 2 * REST) follow();
  if (Date.now() - tried > (failing ? TRY_AGAIN : REST)) renew();
}

/* A page that nobody sees holds no connection: browsers allow six to a service, for all tabs. */
document.addEventListener("visibilitychange", () => {
  if (document.hidden) return stream?.close();
  follow();
  renew();
});

/* What an editor decided here; a kept list may be two seconds old, and nothing tells of a search. */
document.addEventListener("decided", () => {
  renew();
  setTimeout(renew, 2_500);
});

if (!document.hidden) follow();
setInterval(tick, 1_000);
