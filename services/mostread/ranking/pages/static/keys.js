/* What single keys do on the page, and the dialog that says so, with a switch for who does not want
   it: those who speak to their browser would press keys by chance. */
const QUIET = "mostread-keys-off";

const dialog = document.getElementById("keys");
const wanted = document.getElementById("keys-on");

function step(by) {
  const rows = [...document.querySelectorAll("li[data-key]")];
  const at = rows.indexOf(document.activeElement.closest("li[data-key]"));
  const next = at < 0 ? (by > 0 ? 0 : rows.length - 1) : Math.min(Math.max(at + by, 0), rows.length - 1);
  rows[next]?.focus();
}

/* A button of the row with the focus, or of the article that the page is about; it is there, though
   it is not shown to who has not signed in. */
function press(act) {
  const about = document.activeElement.closest("li[data-key]") ?? document.querySelector("article[data-key]");
  about?.querySelector(`[data-act="${act}"]`)?.click();
}

const does = {
  "/": () => document.querySelector("input[type=search]")?.select(),
  "?": () => dialog.showModal(),
  j: () => step(1),
  k: () => step(-1),
  h: () => press("hide"),
  p: () => press("pin"),
  u: () => document.dispatchEvent(new Event("undo")),
};

/* Where the keyboard is Russian or Kazakh, the letter is that of the key. */
function named(event) {
  if (event.key === "/" || event.key === "?" || /^[a-z]$/i.test(event.key)) return event.key.toLowerCase();
  if (event.code === "Slash") return event.shiftKey ? "?" : "/";
  return event.code.replace(/^Key/, "").toLowerCase();
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (event.target.closest("input, textarea, select, dialog")) return;
  if (event.key === "Enter" && event.target.matches("li[data-key]")) return event.target.querySelector(".details, h2 a")?.click();
  const act = wanted.checked ? does[named(event)] : undefined;
  if (!act) return;
  event.preventDefault();
  act();
});

document.querySelector("[data-act=keys]").addEventListener("click", does["?"]);

wanted.checked = !localStorage.getItem(QUIET);
wanted.addEventListener("change", () => {
  if (wanted.checked) localStorage.removeItem(QUIET);
  else localStorage.setItem(QUIET, "1");
});
