/* Signing in and out, and read-only links. The session is a cookie that no script can read: the
   service renders who is signed in, and this script keeps the page up to date. Others ask it by
   events:

   - `sign-in`, with `then` to call afterwards and `why` as nodes, shows the dialog;
   - `signed-out` reports that a request was answered 401;
   - this script dispatches `signed` when somebody has signed in or out, with the account or null.

   The class `editor` of the document tells whether an editor of this site is signed in. */
const root = document.documentElement;
const box = document.getElementById("session");
/* A dialog, or the form of the page that a closed dashboard shows instead of others. */
const form = document.getElementById("token");
const shareDialog = document.getElementById("share");
const base = new URL(box.dataset.root || ".", location);
const messages = box.querySelector("template").content;

let afterwards;

const message = (word) => messages.querySelector(`[data-message="${word}"]`).textContent;

function request(method, path, body) {
  return fetch(new URL(path, base), {
    method,
    body: body && JSON.stringify(body),
    headers: body && { "Content-Type": "application/json" },
    cache: "no-store",
    credentials: "same-origin",
    signal: AbortSignal.timeout(15_000),
  });
}

function show(account) {
  const { site } = box.dataset;
  const decides = account?.role === "editor" && (!account.sites || account.sites.includes(site));
  root.classList.toggle("editor", decides);
  root.classList.toggle("signed-in", Boolean(account));
  for (const name of document.querySelectorAll(".account")) {
    name.hidden = !account;
    name.querySelector("bdi").textContent = account?.name ?? "";
  }
  for (const button of document.querySelectorAll(".tools [data-act=sign]")) button.textContent = message(account ? "sign_out" : "sign_in");
  document.dispatchEvent(new CustomEvent("signed", { detail: account }));
  /* The page was rendered for somebody who may see less, or more. */
  if ("reloads" in box.dataset) location.reload();
}

function signIn({ then, why = [] } = {}) {
  if (!form) return;
  afterwards = then;
  form.querySelector(".wrong")?.replaceChildren(...why);
  form.querySelector("form").reset();
  form.showModal();
}

/* While the cookie stays, so does the button, to try again: the next to use this computer must not
   be taken for the editor. */
async function signOut() {
  const failed = document.getElementById("sign-out-failed");
  failed.close();
  try {
    const answer = await request("DELETE", "v1/session");
    if (answer.ok || answer.status === 401) return show(null);
    failed.querySelector(".wrong").textContent = message(await isForeign(answer) ? "foreign_page" : "sign_out_failed");
  } catch {
    failed.querySelector(".wrong").textContent = message("sign_out_failed");
  }
  failed.showModal();
}

/* Whether a proxy makes the service take its own page for another one. */
const isForeign = async (answer) => answer.status === 403 && (await answer.json()).type.endsWith(":foreign-page");

/* Returns why the token was refused, or nothing. */
async function refusal(token) {
  try {
    const answer = await request("POST", "v1/session", { token });
    if (answer.ok) show(await answer.json());
    else if (answer.status === 401) return "token_unknown";
    else if (answer.status === 403) return await isForeign(answer) ? "foreign_page" : "token_for_programs";
    else return "service_unavailable";
  } catch {
    return "service_unavailable";
  }
}

form?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = form.querySelector(".buttons .go");
  button.disabled = true;
  const why = await refusal(form.querySelector("input").value.trim());
  button.disabled = false;
  form.querySelector(".wrong").textContent = why ? message(why) : "";
  if (why) return;
  form.close?.();
  afterwards?.();
});

async function share(dialog) {
  const here = location.href.slice(base.href.length).split("#")[0];
  /* A guest may not see who decided what. */
  const page = here.startsWith("decisions") ? `?${new URLSearchParams({ site: box.dataset.site })}` : here;
  const days = Number(dialog.querySelector("select").value);
  const wrong = dialog.querySelector(".wrong");
  wrong.textContent = "";
  dialog.querySelector(".copied").textContent = "";
  try {
    const answer = await request("POST", "v1/links", { page, days });
    if (await isForeign(answer.clone())) throw new Error("foreign_page");
    if (!answer.ok) throw new Error({ 400: "share_too_long", 403: "token_wrong_role" }[answer.status] ?? "service_unavailable");
    const { path } = await answer.json();
    const made = dialog.querySelector(".made");
    made.hidden = false;
    made.querySelector("input").value = new URL(path, base).href;
    made.querySelector("input").select();
    /* Only over HTTPS and on this machine; elsewhere the selection can be copied. */
    await navigator.clipboard?.writeText(made.querySelector("input").value).then(
      () => (dialog.querySelector(".copied").textContent = message("share_copied")),
      () => {},
    );
  } catch ({ message: why }) {
    wrong.textContent = message(["foreign_page", "share_too_long", "token_wrong_role"].includes(why) ? why : "service_unavailable");
  }
}

shareDialog?.addEventListener("submit", (event) => {
  event.preventDefault();
  share(shareDialog);
});

document.addEventListener("click", ({ target }) => {
  const act = target.closest("button")?.dataset.act;
  if (act === "sign") root.classList.contains("signed-in") ? signOut() : signIn();
  else if (act === "share") shareDialog.showModal();
  else if (act === "close") target.closest("#session dialog")?.close();
});
document.addEventListener("sign-in", ({ detail }) => signIn(detail));
document.addEventListener("signed-out", () => show(null));
