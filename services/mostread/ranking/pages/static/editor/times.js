/* Times in the zone of the page, which names it. */
const { zone } = editor.dataset;
const HOUR = 3_600_000;

const parts = new Intl.DateTimeFormat("en-CA", {
  year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: zone,
});
const clock = new Intl.DateTimeFormat(root.lang, { hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: zone });
const calendar = new Intl.DateTimeFormat(root.lang, {
  day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: zone,
});

/* A time as the value of an input. */
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

/* A time for reading, with its date unless it is today. */
function shownTime(milliseconds) {
  const today = localTime(milliseconds).slice(0, 10) === localTime(Date.now()).slice(0, 10);
  return (today ? clock : calendar).format(milliseconds);
}

function tomorrowAtEight() {
  const tomorrow = new Date(`${localTime(Date.now()).slice(0, 10)}T08:00Z`);
  tomorrow.setUTCDate(tomorrow.getUTCDate() + 1);
  return timestamp(tomorrow.toISOString().slice(0, 16));
}
