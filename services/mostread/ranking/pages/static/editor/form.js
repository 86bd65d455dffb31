/* The form of a decision: short for hiding and pinning, the rest behind "More". */
const dialog = document.getElementById("decide");
const form = dialog?.querySelector("form");
const TIMES = ["embargo_until", "expires_at"];
const RETRY = 5_000;
/* Parameters of the page that name its list. */
const LIST = ["section", "language", "author", "tag", "window", "from", "to", "by", "published_within", "tz", "half_life", "quarantined"];
let current;

/* The article that an action applies to: the row with the focus, or the article of the page. */
function targetArticle(within = document.activeElement) {
  const row = within.closest("li[data-key]");
  if (row) return { key: row.dataset.key, title: row.querySelector("h2 bdi").textContent, rank: row.value || undefined };
  const article = document.querySelector("article[data-key]");
  return article && { key: article.dataset.key, title: article.querySelector("h1 bdi").textContent };
}

function showError(box, ...nodes) {
  box.querySelector(".wrong").replaceChildren(...nodes);
}

function setBusy(is) {
  dialog.toggleAttribute("aria-busy", is);
  form.querySelector(".fields").disabled = is;
  for (const each of form.querySelectorAll(".go, [data-act=lift]")) each.disabled = is;
  form.querySelector(".go").textContent = text(is ? "saving" : `do.${current.action}`);
}

async function decide(article, action) {
  if (!dialog || !article) return;
  if (!isEditor()) return signIn(() => decide(article, action));
  current = { ...article, action, holds: {} };
  form.reset();
  for (const { dataset } of form.elements) {
    delete dataset.filled;
    delete dataset.touched;
  }
  dialog.dataset.action = action;
  dialog.querySelector(".kicker").textContent = text(action === "more" ? "keys.more" : action);
  dialog.querySelector("h2 bdi").textContent = article.title;
  form.querySelector("details").open = action === "more";
  form.querySelector("[data-act=lift]").hidden = true;
  showError(dialog);
  say(sentence("decision_loading"));
  setBusy(false);
  prefill();
  dialog.showModal();
  const first = form.elements[{ hide: "reason", pin: "pinned", more: "embargo_until" }[action]];
  first.focus();
  first.select?.();
  current.known = lookUp(current);
}

/* An editor who knows what to do does not wait for the decision in force; sending it does. */
async function lookUp(article) {
  if (article.action === "pin") {
    loadPins(article).then(() => article === current && showTaken(), (error) => {
      if (!(error instanceof Refusal)) throw error;
    });
  }
  try {
    const item = await latest(article.key);
    if (!dialog.open || article !== current) return;
    hold(item);
    say(Object.keys(article.holds).length ? account(item) : []);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    if (!dialog.open || article !== current) return;
    if (isEditor()) {
      article.unknown = true;
      setTimeout(() => article === current && article.unknown && lookUp(article), RETRY);
      return say(sentence("decision_unknown"));
    }
    dialog.close();
    signIn(() => decide(article, article.action), error.nodes);
  }
}

function say(nodes) {
  form.querySelector(".state").replaceChildren(...nodes);
}

/* ---- The decision in force, and the changes of the editor ---- */

function hold(item) {
  Object.assign(current, { id: item?.id ?? "0", holds: inForce(item), reason: item?.reason, unknown: false });
  prefill();
}

/* Fills in the decision in force, but for what the editor has touched already. */
function prefill() {
  const { elements } = form;
  const { holds, action, rank, reason } = current;
  const fill = (control, value) => {
    if (control.dataset.touched) return;
    control.value = control.dataset.filled = value;
    if (control === document.activeElement) control.select?.();
  };
  fill(elements.pinned, String(holds.pinned || Math.min(rank ?? 1, 100)));
  fill(elements.listed, holds.hidden === undefined ? "" : String(holds.hidden));
  for (const name of TIMES) fill(elements[name], holds[name] ? localTime(holds[name]) : "");
  /* The reason and the end of what holds are those of a changed pin too, but not of hiding it. */
  const changes = { hide: holds.hidden, pin: holds.pinned, more: true }[action];
  fill(elements.reason, (changes && reason) || "");
  const until = (action === "hide") === Boolean(holds.hidden) && holds.until;
  fill(elements.until, until ? localTime(until) : "");
  if (![...elements.ends].some((end) => end.dataset.touched)) elements.ends.value = until ? "other" : "lifted";
  if (!elements.approved.dataset.touched) elements.approved.checked = Boolean(holds.approved);
  const lift = form.querySelector("[data-act=lift]");
  lift.dataset.kind = action === "pin" ? "pinned" : "hidden";
  lift.textContent = text(`lift.${lift.dataset.kind}`);
  lift.hidden = action === "more" || !holds[lift.dataset.kind];
  showScope();
  showTaken();
}

/* The end of what is decided, undefined without one. */
function chosenEnd() {
  const { elements } = form;
  const { value, dataset } = elements.until;
  return {
    hour: () => Math.ceil((Date.now() + HOUR) / 60_000) * 60_000,
    morning: tomorrowAtEight,
    other: () => (value && value === dataset.filled ? current.holds.until : value ? timestamp(value) : undefined),
  }[elements.ends.value]?.();
}

/* A decision replaces the previous one, so it repeats what stays. */
function decision() {
  const { elements } = form;
  const { holds, action } = current;
  const body = { ...holds };
  if (action === "hide") hideUntil(body, chosenEnd());
  if (action === "pin") Object.assign(body, { pinned: Number(elements.pinned.value), pinned_in: scope(), until: chosenEnd() ?? (holds.hidden && holds.until) });
  if (action === "more") body.hidden = { true: true, false: false }[elements.listed.value];
  if (elements.approved.checked !== Boolean(holds.approved)) body.approved = elements.approved.checked || undefined;
  for (const name of TIMES) {
    if (elements[name].dataset.touched) body[name] = elements[name].value ? timestamp(elements[name].value) : undefined;
  }
  if (body.expires_at <= body.embargo_until) throw new Refusal("expires_before_embargo");
  return { ...body, reason: writtenReason() };
}

const writtenReason = () => form.elements.reason.value.trim() || undefined;

/* `until` then ends the hiding. A pin that has an end of its own and outlasts it keeps that end, so
   the article is put under an embargo; a pin for an hour must not become one for ever. */
function hideUntil(body, end) {
  if (body.until && !body.hidden) {
    if (end < body.until) {
      body.embargo_until = Math.max(end, body.embargo_until ?? 0);
      return;
    }
    for (const name of ENDED) delete body[name];
  }
  Object.assign(body, { hidden: true, until: end });
}

/* Sends what `build` returns once the decision in force is known. If it cannot be read, the editor
   sees a warning at the first attempt, and the second one sends the decision without it. */
async function submit(build, word) {
  const article = current;
  const warned = article.unknown;
  const focused = document.activeElement;
  showError(dialog);
  setBusy(true);
  try {
    await article.known;
    if (!dialog.open || article !== current || (article.unknown && !warned)) return;
    const saved = await send(article.key, build(), article.id);
    dialog.close();
    confirm(article, saved, word);
  } catch (error) {
    if (error instanceof Conflict) {
      hold(error.latest);
      say([]);
      showError(dialog, ...sentence("conflict"), " ", ...account(error.latest));
    } else if (!(error instanceof Refusal)) throw error;
    else if (isEditor()) showError(dialog, ...error.nodes);
    else {
      dialog.close();
      signIn(() => decide(article, article.action), error.nodes);
    }
  } finally {
    if (article === current) setBusy(false);
    if (dialog.open && article === current) focused.focus();
  }
}

/* Ends one effect of a decision and keeps the others. */
function without(holds, kind, fromCms) {
  const body = { ...holds };
  const fields = { hidden: ["hidden"], pinned: ["pinned", "pinned_in"], embargoed: ["embargo_until"], expiring: ["expires_at"], expired: ["expires_at"], approved: ["approved"], listed: ["hidden"], unpinned: ["pinned"] }[kind];
  for (const name of fields) delete body[name];
  if (kind === "hidden") delete body.until;
  if (fromCms) Object.assign(body, { hidden: { hidden: false }, pinned: { pinned: 0 } }[kind]);
  if (body.hidden === undefined && !body.pinned && !body.approved) delete body.until;
  return body;
}

/* ---- Pins ---- */

const page = new URLSearchParams(location.search);
const ranked = document.querySelector("[data-part=list]");

/* Loads the list as it is now, and the pins of the site. */
async function loadPins(article) {
  const query = new URLSearchParams([...page].filter(([name]) => ranked && LIST.includes(name)));
  query.set("site", site);
  query.set("limit", "100");
  query.set("tz", zone);
  const [list, pins] = await Promise.all([
    call(`${editor.dataset.root}v1/most-read?${query}`, "service_unavailable"),
    call(address("decisions", { kind: "pinned" }), "service_unavailable"),
  ]);
  Object.assign(article, { list: list.items, pins: pins.items });
}

/* Offers to limit the pin to the list of the page, and to the lists it is limited to already. */
function showScope() {
  const box = form.querySelector(".scope");
  const named = current.holds.pinned_in ?? {};
  const here = ranked ? { sections: page.getAll("section"), languages: page.getAll("language"), windows: page.has("from") ? [] : [page.get("window") ?? "24h"] } : {};
  box.hidden = current.action !== "pin";
  const choices = box.querySelector("div");
  const chosen = box.dataset.touched ? (scope() ?? {}) : named;
  const focused = box.contains(document.activeElement) && document.activeElement;
  choices.replaceChildren();
  for (const kind of ["windows", "sections", "languages"]) {
    const offered = ranked && !here[kind].length && kind !== "windows" ? [""] : (here[kind] ?? []);
    for (const name of new Set([...(named[kind] ?? []), ...offered])) {
      if (kind === "windows" && !messages.querySelector(`[data-message="window.${name}"]`)) continue;
      const label = document.createElement("label");
      const tick = document.createElement("input");
      const shown = document.createElement("bdi");
      Object.assign(tick, { type: "checkbox", name: kind, value: name, checked: chosen[kind]?.includes(name) ?? false });
      shown.textContent = listName(kind, name);
      label.append(tick, shown);
      choices.append(label);
      if (focused?.name === kind && focused.value === name) tick.focus();
    }
  }
  if (!choices.children.length) box.hidden = true;
}

function scope() {
  const result = {};
  for (const { name, value } of form.querySelectorAll(".scope input:checked")) (result[name] ??= []).push(value);
  return Object.keys(result).length ? result : undefined;
}

/* Names the article at the rank. */
function showTaken() {
  const box = form.querySelector(".taken");
  const rank = Number(form.elements.pinned.value);
  const others = (items) => (items ?? []).filter((item) => item.article_id !== current.key);
  const pinned = others(current.pins).find((item) => rank !== current.holds.pinned && item.rank === rank && meet(item.decision?.pinned_in, scope()));
  const there = others(current.list).find((item) => item.rank === rank);
  if (current.action !== "pin" || !rank) box.replaceChildren();
  else if (pinned) box.replaceChildren(...sentence("rank_taken", { rank, title: pinned.title, name: pinned.decision?.by ?? text("by_cms") }));
  else box.replaceChildren(...(there ? sentence("rank_holder", { rank, title: there.title }) : []));
  box.classList.toggle("warning", Boolean(pinned));
}

/* ---- Events ---- */

form?.addEventListener("submit", (event) => {
  event.preventDefault();
  submit(decision, { hide: "done.hidden", pin: "done.pinned", more: "done.saved" }[current.action]);
});
form?.addEventListener("input", ({ target }) => {
  (target.closest(".scope") ?? target).dataset.touched = "1";
  if (target.name === "until") form.elements.ends.value = "other";
  showTaken();
});

/* The row may have moved, or left the list, while the dialog was open. A browser takes the focus out
   of a closed dialog when it next renders, which may be after this event. */
dialog?.addEventListener("close", () => {
  const active = document.activeElement;
  if (active !== document.body && !dialog.contains(active)) return;
  [...document.querySelectorAll("li[data-key]")].find((row) => row.dataset.key === current.key)?.focus();
});
