/* Single-key shortcuts, and their dialog with a switch to disable them: speech input would trigger
   them by accident. */
const STORAGE_KEY = "mostread-keys-off";

const dialog = document.getElementById("keys");
const enabled = document.getElementById("keys-on");

function step(by) {
  const rows = [...document.querySelectorAll("li[data-key]")];
  const at = rows.indexOf(document.activeElement.closest("li[data-key]"));
  const next = at < 0 ? (by > 0 ? 0 : rows.length - 1) : Math.min(Math.max(at + by, 0), rows.length - 1);
  rows[next]?.focus();
}

/* Clicks a button of the row with the focus, or of the article of the page. Buttons exist even
   while they are hidden, before an editor has signed in. */
function press(act) {
  const about = document.activeElement.closest("li[data-key]") ?? document.querySelector("article[data-key]");
  about?.querySelector(`[data-act="${act}"]`)?.click();
}

const shortcuts = {
  "/": () => document.querySelector("input[type=search]")?.select(),
  "?": () => dialog.showModal(),
  j: () => step(1),
  k: () => step(-1),
  h: () => press("hide"),
  p: () => press("pin"),
  m: () => press("more"),
  u: () => document.dispatchEvent(new Event("undo")),
};

/* On a Russian or Kazakh keyboard, the physical key determines the letter. */
function keyName(event) {
  if (event.key === "/" || event.key === "?" || /^[a-z]$/i.test(event.key)) return event.key.toLowerCase();
  if (event.code === "Slash") return event.shiftKey ? "?" : "/";
  return event.code.replace(/^Key/, "").toLowerCase();
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (event.target.closest("input, textarea, select, dialog")) return;
  if (event.key === "Enter" && event.target.matches("li[data-key]")) return event.target.querySelector(".title")?.click();
  const action = enabled.checked ? shortcuts[keyName(event)] : undefined;
  if (!action) return;
  event.preventDefault();
  action();
});

document.querySelector("[data-act=keys]").addEventListener("click", shortcuts["?"]);

enabled.checked = !localStorage.getItem(STORAGE_KEY);
enabled.addEventListener("change", () => {
  if (enabled.checked) localStorage.removeItem(STORAGE_KEY);
  else localStorage.setItem(STORAGE_KEY, "1");
});
