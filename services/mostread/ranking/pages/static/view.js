/* Chips, and what this browser remembers: theme, density, scale, comparison, time zone. The service
   reads the cookie, so that the next page has the right form before any script runs. */
const COOKIE = "mostread_view";
const YEAR = 365 * 24 * 3600;

const root = document.documentElement;
const service = new URL(document.querySelector("link[rel=icon]").href).pathname.replace(/static\/[^/]*$/, "");

function remembered() {
  const found = document.cookie.split("; ").find((each) => each.startsWith(`${COOKIE}=`));
  return new URLSearchParams(found?.slice(COOKIE.length + 1));
}

function remember(name, value) {
  const view = remembered();
  view.set(name, value);
  document.cookie = `${COOKIE}=${view}; Path=${service}; Max-Age=${YEAR}; SameSite=Lax`;
}

function choose(button) {
  const { view } = button.dataset;
  remember(view, button.value);
  root.dataset[view] = button.value;
  for (const each of button.parentElement.querySelectorAll("button")) each.setAttribute("aria-pressed", String(each === button));
  if (view === "theme") document.querySelector("meta[name=color-scheme]").content = button.value === "auto" ? "light dark" : button.value;
  document.dispatchEvent(new Event("viewed"));
}

document.addEventListener("click", ({ target }) => {
  const button = target.closest("[data-view]");
  if (button) choose(button);
  const link = target.closest("a[data-remember]");
  if (link) remember(link.dataset.remember, link.dataset.value);
  for (const open of document.querySelectorAll("details[name=chip][open]")) {
    if (!open.contains(target)) open.open = false;
  }
});

document.addEventListener("keydown", (event) => {
  const open = event.key === "Escape" && document.querySelector("details[name=chip][open]");
  if (!open) return;
  event.preventDefault();
  open.open = false;
  open.querySelector("summary").focus();
});

/* A long menu can be narrowed; Enter follows the first link that is left. */
for (const field of document.querySelectorAll(".narrow")) {
  const items = [...field.nextElementSibling.children];
  field.addEventListener("input", () => {
    const sought = field.value.trim().toLowerCase();
    for (const item of items) item.hidden = !item.textContent.toLowerCase().includes(sought);
  });
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter") items.find((item) => !item.hidden)?.querySelector("a").click();
  });
}

/* Times are in the zone of this computer, unless the address names another one. The service learns
   it once; a zone that it does not know, or a browser without cookies, must not reload for ever. */
const { timeZone } = new Intl.DateTimeFormat().resolvedOptions();
if (document.getElementById("live").dataset.zone !== timeZone && remembered().get("tz") !== timeZone) {
  remember("tz", timeZone);
  if (remembered().get("tz") === timeZone && !new URLSearchParams(location.search).has("tz")) location.reload();
}

/* The menu of time zones: that of the browser, and all others by name. */
const zones = document.getElementById("zones");
if (zones) {
  zones.append(...Intl.supportedValuesOf("timeZone").map((name) => new Option(name)));
  zones.closest("form").elements.tz.value = timeZone;
}

/* The last day of a range must not precede the first; the service would answer with an error page. */
for (const last of document.querySelectorAll("input[data-reversed]")) {
  const { form } = last;
  form.addEventListener("input", () => {
    const reversed = last.value && last.value < form.elements.from.value;
    last.setCustomValidity(reversed ? last.dataset.reversed : "");
  });
}
