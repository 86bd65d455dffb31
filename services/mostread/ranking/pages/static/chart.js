/* Draws the table below it: views as a line on the left axis; comments and likes, which are rare,
   as dots on the right axis. Dragging zooms in; a button or a double click zooms out. */
const container = document.getElementById("chart");
const showAll = container.querySelector("button");
const zone = document.getElementById("live").dataset.zone;
const lang = document.documentElement.lang;
const step = container.dataset.grain === "minute" ? 60 : 3600;
const names = [...document.querySelectorAll("table.counts thead th")].slice(0, 3).map((each) => each.textContent);
const grouped = (number) => String(number).replace("-", "\u2212").replace(/\B(?=(\d{3})+$)/g, "\u202f");
/* Browsers without Kazakh locale data format November as M11. */
const [dates, month] = lang === "kk" ? ["ru", "2-digit"] : [lang, "short"];
const dateTime = new Intl.DateTimeFormat(dates, {
  day: "numeric", month, hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: zone,
});
const hour = new Intl.DateTimeFormat(lang, { hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: zone });
const day = new Intl.DateTimeFormat(dates, { day: "numeric", month, timeZone: zone });
const dark = matchMedia("(prefers-color-scheme: dark)");

let chart;
let data;

async function load() {
  const url = new URL(container.dataset.series, location);
  url.searchParams.set("site", container.dataset.site);
  url.searchParams.set("grain", container.dataset.grain);
  url.searchParams.set("from", new Date(Date.now() - container.dataset.length).toISOString());
  const response = await fetch(url, { credentials: "same-origin" });
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  const series = await response.json();
  const first = Date.parse(series.from) / 1000;
  return [series.views.map((_, n) => first + n * step), series.views, series.comments, series.likes];
}

function height() {
  return Math.round(Math.min(420, Math.max(220, container.clientWidth * 0.42)));
}

function draw() {
  const zoomed = chart && !showAll.disabled && { min: chart.scales.x.min, max: chart.scales.x.max };
  chart?.destroy();
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(`--${name}`).trim();
  const rem = parseFloat(style.fontSize);
  const font = `${Math.round(rem * 0.75)}px ${colour("sans")}`;
  const axis = { stroke: colour("quiet"), font, ticks: { stroke: colour("hair") }, grid: { stroke: colour("hair"), width: 1 } };
  const line = (label, scale, stroke, more) => ({ label, scale, stroke, width: 1.5, points: { show: false }, value: (_, n) => (n == null ? "–" : grouped(n)), ...more });
  /* A line through these mostly zero counts would cover the views. */
  const counted = (drawn, n) => [...drawn.data[n].keys()].filter((at) => drawn.data[n][at]);
  const dots = (label, fill) => line(label, "few", fill, { paths: () => null, points: { show: true, size: 6, width: 0, fill, filter: counted } });
  const integers = (_, splits) => splits.map((n) => (Number.isInteger(n) ? grouped(n) : ""));
  chart = new uPlot({
    width: container.clientWidth,
    height: height(),
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), zone),
    cursor: { y: false, drag: { x: true, y: false } },
    scales: {
      views: { range: (_, low, high) => [Math.min(0, low), Math.max(4, high * 1.05)] },
      few: { range: (_, low, high) => [Math.min(0, low), Math.max(4, high * 1.6)] },
    },
    axes: [
      { ...axis, values: (_, splits) => splits.map((at) => {
        const time = hour.format(at * 1000);
        return time === "00:00" ? day.format(at * 1000) : time;
      }) },
      { ...axis, scale: "views", size: rem * 3.6, values: integers },
      { ...axis, scale: "few", side: 1, size: rem * 2.6, grid: { show: false }, values: integers },
    ],
    series: [
      { value: (_, at) => (at == null ? "–" : dateTime.format(at * 1000)), label: zone },
      line(names[0], "views", colour("accent"), { fill: `${colour("accent")}22`, width: data[0].length > 500 ? 1 : 2 }),
      dots(names[1], colour("ink")),
      dots(names[2], colour("rise")),
    ],
    hooks: {
      setScale: [(drawn, key) => {
        if (key !== "x" || !data) return;
        const { min, max } = drawn.scales.x;
        showAll.disabled = min <= data[0][0] && max >= data[0].at(-1);
      }],
    },
  }, data, container);
  if (zoomed) chart.setScale("x", zoomed);
}

async function renew() {
  let newer;
  try {
    newer = await load();
  } catch {
    return; /* Keep the chart; live.js shows that the connection is lost. */
  }
  const first = !data;
  data = newer;
  if (first) {
    container.hidden = false;
    draw();
  } else {
    chart.setData(data, showAll.disabled);
    if (!showAll.disabled) chart.redraw();
  }
}

showAll.addEventListener("click", () => chart.setScale("x", { min: data[0][0], max: data[0].at(-1) }));
addEventListener("resize", () => chart?.setSize({ width: container.clientWidth, height: height() }));
dark.addEventListener("change", () => chart && draw());
document.addEventListener("renewed", renew);
renew();
