/* One event stream for all tabs of a browser, in a shared worker: over HTTP/1.1 a browser opens six
   connections per host, and a stream in every tab would leave none for anything else. A tab posts
   the page that it shows and repeats it as a sign of life; it posts null when it is hidden. */
const CHECK = 15_000;
const SILENT = 60_000;
/* The service sends an event at least every ten seconds. */
const DEAD = 30_000;
const MAX_PAGES = 20;

const tabs = new Map();
const newest = new Map();
let stream;
let followed = "";
let lastEvent;

function follow() {
  const pages = [...new Set([...tabs.values()].map((tab) => tab.page))].sort().slice(0, MAX_PAGES);
  const wanted = pages.map((page) => `page=${encodeURIComponent(page)}`).join("&");
  const broken = stream && (stream.readyState === EventSource.CLOSED || Date.now() - lastEvent > DEAD);
  if (wanted === followed && !broken) return;
  stream?.close();
  newest.clear();
  stream = undefined;
  followed = wanted;
  lastEvent = Date.now();
  if (!wanted) return;
  stream = new EventSource(new URL(`../live?${wanted}`, location));
  stream.addEventListener("list", ({ data }) => deliver(data, true));
  stream.addEventListener("fresh", ({ data }) => deliver(data, false));
  stream.onerror = () => tabs.forEach((_, port) => port.postMessage({ lost: true }));
}

function deliver(data, complete) {
  const update = JSON.parse(data);
  lastEvent = Date.now();
  if (complete) newest.set(update.page, update);
  for (const [port, tab] of tabs) if (tab.page === update.page) port.postMessage(update);
}

function receive(port, page) {
  const joins = page !== null && !tabs.has(port);
  if (page === null) tabs.delete(port);
  else tabs.set(port, { page, seen: Date.now() });
  follow();
  /* The list may have changed since the tab loaded it. */
  if (joins && newest.has(page)) port.postMessage(newest.get(page));
}

onconnect = ({ ports: [port] }) => {
  port.onmessage = ({ data }) => receive(port, data);
};

setInterval(() => {
  for (const [port, tab] of tabs) if (Date.now() - tab.seen > SILENT) tabs.delete(port);
  follow();
}, CHECK);
