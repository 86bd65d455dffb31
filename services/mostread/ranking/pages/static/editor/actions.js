/* The log of an article page, the page of all decisions, and buttons; keys.js clicks these too. */
const log = document.getElementById("log");

function loadLog() {
  if (!log) return;
  const content = log.lastElementChild;
  if (!isEditor()) return content.replaceChildren();
  const request = new XMLHttpRequest();
  request.open("GET", new URL(log.dataset.decisions, location));
  /* The browser parses it into a separate document, in which no script runs. */
  request.responseType = "document";
  request.timeout = 15_000;
  request.onload = () => {
    const next = request.response?.querySelector("[data-log]");
    if (!isEditor()) return;
    showError(log);
    if (request.status === 401) return document.dispatchEvent(new Event("signed-out"));
    if (request.status !== 200 || !next) return showError(log, ...sentence("service_unavailable"));
    if (next.isEqualNode(content.firstElementChild)) return;
    const hadFocus = content.contains(document.activeElement);
    content.replaceChildren(document.adoptNode(next));
    if (hadFocus) log.querySelector("h2").focus();
  };
  request.onerror = request.ontimeout = () => showError(log, ...sentence("service_unavailable"));
  request.send();
}

/* Sends a decision without a form, and says what prevented it. */
async function decideAtOnce(pressed, article, body, basedOn, word) {
  pressed.disabled = true;
  try {
    confirm(article, await send(article.key, body, basedOn), word);
  } catch (error) {
    if (error instanceof Conflict) notify([...sentence("overtaken_first"), " ", ...account(error.latest)]);
    else if (error instanceof Refusal) notify(error.nodes);
    else throw error;
  } finally {
    pressed.disabled = false;
  }
}

const restore = (pressed) => decideAtOnce(pressed, targetArticle(), JSON.parse(pressed.dataset.undo), log.querySelector("[data-log]").dataset.latest, "done.undone");

function lift(pressed) {
  const { kind } = pressed.dataset;
  if (dialog.contains(pressed)) return submit(() => ({ ...without(current.holds, kind), reason: writtenReason() }), "done.saved");
  const { decision: item, cms } = JSON.parse(pressed.closest("[data-decided]").dataset.decided);
  decideAtOnce(pressed, targetArticle(pressed), without(inForce(item), kind, cms.includes(kind)), item?.id, "done.saved");
}

const actions = {
  hide: (pressed) => decide(targetArticle(pressed), "hide"),
  pin: (pressed) => decide(targetArticle(pressed), "pin"),
  more: (pressed) => decide(targetArticle(pressed), "more"),
  because: (pressed) => {
    form.elements.reason.value = pressed.textContent;
    form.elements.reason.dataset.touched = "1";
    form.requestSubmit();
  },
  reset: () => submit(() => ({ reason: writtenReason() }), "done.reset"),
  lift,
  restore,
  close: (pressed) => pressed.closest("dialog").close(),
  dismiss,
  undo,
};

document.addEventListener("click", (event) => {
  const pressed = event.target.closest("button");
  actions[pressed?.dataset.act]?.(pressed);
});
document.addEventListener("undo", undo);
document.addEventListener("renewed", loadLog);
document.addEventListener("signed", loadLog);
if (isEditor()) loadLog();
