/* A wall screen: the clock, and the turn to the next section. The next page is loaded only when the
   service answers, since nobody presses a button on a wall. */
const { next, seconds } = document.querySelector("main").dataset;
const { zone } = document.getElementById("live").dataset;
const clock = document.getElementById("clock");
const time = new Intl.DateTimeFormat("ru", { hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: zone });

function tick() {
  clock.textContent = time.format(new Date());
}

async function turn() {
  try {
    const answer = await fetch(next, { signal: AbortSignal.timeout(10_000) });
    if (answer.ok) return location.replace(next);
  } catch {
    /* This section stays; live.js shows that the connection is lost. */
  }
  setTimeout(turn, seconds * 1000);
}

tick();
setInterval(tick, 1_000);
setTimeout(turn, seconds * 1000);
