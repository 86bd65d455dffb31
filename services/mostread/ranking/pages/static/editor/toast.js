/* The bar above the page that confirms a decision and offers to undo it. The undo outlives a
   reload, not the tab. */
const STORAGE_KEY = "mostread-undo";
const KEPT = 20;
const SHOWN_MS = 20_000;
const toast = editor.querySelector(".toast");
let hiding;

const undoable = () => JSON.parse(sessionStorage.getItem(STORAGE_KEY) ?? "[]");
const keepUndoable = (entries) => sessionStorage.setItem(STORAGE_KEY, JSON.stringify(entries.slice(-KEPT)));

function button(act, word) {
  const result = document.createElement("button");
  result.type = "button";
  result.dataset.act = act;
  result.append(...sentence(word));
  return result;
}

function notify(nodes, canUndo = false) {
  const hadFocus = toast.contains(document.activeElement);
  toast.hidden = false;
  root.classList.add("toasted");
  toast.firstElementChild.replaceChildren(...nodes);
  toast.replaceChildren(toast.firstElementChild, ...(canUndo ? [button("undo", "undo")] : []), button("dismiss", "close"));
  if (hadFocus) toast.lastElementChild.focus();
  dismissLater();
}

function dismiss() {
  toast.hidden = true;
  root.classList.remove("toasted");
}

/* Not while somebody reads it. */
function dismissLater() {
  clearTimeout(hiding);
  hiding = setTimeout(() => (toast.matches(":hover, :focus-within") ? dismissLater() : dismiss()), SHOWN_MS);
}

/* Confirms a decision. By then lists reflect it, unless counting is behind. */
function confirm(article, saved, word, canUndo = true) {
  document.dispatchEvent(new Event("decided"));
  loadLog();
  /* Without a decision to return to, there is nothing to undo. */
  canUndo &&= Boolean(saved.undo);
  if (canUndo) keepUndoable([...undoable(), { site, key: article.key, title: article.title, id: saved.id, body: saved.undo }]);
  /* Hiding a pinned article for a while is an embargo. */
  if (word === "done.hidden" && !saved.hidden) word = "done.saved";
  const nodes = sentence(word, { title: article.title, rank: saved.pinned });
  if (word === "done.saved") nodes.push(" ", ...sentence("now_in_force"), " ", ...effects(inForce(saved)), ".");
  for (const other of saved.same_rank ?? []) nodes.push(" ", ...sentence("moves_down", { title: other.title }));
  if (saved.overtaken) nodes.push(" ", ...sentence("overtaken", { name: saved.overtaken.by ?? text("log_anonymous") }), " ", ...account(saved.overtaken));
  if (saved.unchecked || article.unknown) nodes.push(" ", ...sentence("done.unchecked"));
  if (!saved.visible) nodes.push(" ", ...sentence("done.pending"));
  notify(nodes, canUndo);
}

async function undo() {
  if (!isEditor()) return;
  const entries = undoable();
  const at = entries.findLastIndex((entry) => entry.site === site);
  const [last] = at < 0 ? [] : entries.splice(at, 1);
  if (!last) return notify(sentence("undo_nothing"));
  try {
    /* A later decision of a colleague stays. */
    const saved = await send(last.key, last.body, last.id);
    const before = entries.findLast((entry) => entry.site === site && entry.key === last.key);
    if (before) before.id = saved.id;
    keepUndoable(entries);
    confirm(last, saved, "done.undone", false);
  } catch (error) {
    if (error instanceof Conflict) {
      keepUndoable(entries);
      return notify(sentence("undo_conflict", last));
    }
    if (!(error instanceof Refusal)) throw error;
    notify(error.nodes);
  }
}
