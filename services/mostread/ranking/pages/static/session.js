/* Signing in and out. The session is a cookie that no script can read: the service renders who is
   signed in, and this script keeps the page up to date. Others ask it by events:

   - `sign-in`, with `then` to call afterwards and `why` as nodes, shows the dialog;
   - `signed-out` reports that a request was answered 401;
   - this script dispatches `signed` when somebody has signed in or out, with the account or null.

   The class `editor` of the document tells whether an editor of this site is signed in. */
const root = document.documentElement;
const box = document.getElementById("session");
const dialog = document.getElementById("token");
const address = `${box.dataset.root}v1/session`;
const messages = box.querySelector("template").content;

let afterwards;

const message = (word) => messages.querySelector(`[data-message="${word}"]`).textContent;

function request(method, body) {
  return fetch(address, {
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
}

function signIn({ then, why = [] } = {}) {
  if (!dialog) return;
  afterwards = then;
  dialog.querySelector(".wrong").replaceChildren(...why);
  dialog.querySelector("input").value = "";
  dialog.showModal();
}

async function signOut() {
  try {
    await request("DELETE");
  } catch {
    /* Without a connection the cookie stays; the button remains, to try again. */
    return;
  }
  show(null);
}

/* Returns why the token was refused, or nothing. */
async function refusal(token) {
  try {
    const answer = await request("POST", { token });
    if (answer.ok) show(await answer.json());
    else if (answer.status === 401) return "token_unknown";
    else if (answer.status === 403) return "token_for_programs";
    else return "service_unavailable";
  } catch {
    return "service_unavailable";
  }
}

dialog?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = dialog.querySelector(".go");
  button.disabled = true;
  const why = await refusal(dialog.querySelector("input").value.trim());
  button.disabled = false;
  dialog.querySelector(".wrong").textContent = why ? message(why) : "";
  if (why) return;
  dialog.close();
  /* The page was rendered for somebody who may see less. */
  if ("reloads" in box.dataset) location.reload();
  afterwards?.();
});

document.addEventListener("click", ({ target }) => {
  const act = target.closest("button")?.dataset.act;
  if (act === "sign") root.classList.contains("signed-in") ? signOut() : signIn();
  else if (act === "close" && dialog?.contains(target)) dialog.close();
});
document.addEventListener("sign-in", ({ detail }) => signIn(detail));
document.addEventListener("signed-out", () => show(null));
