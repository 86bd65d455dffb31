/* <most-read-count> shows a number of an article. All elements of a page that want the same window
   share a request. */
const MAX_IDS = 100;
const MAX_ADDRESS = 6000;
const GATHER_MS = 20;

/* By address: the ids to request, each with those who wait for it. */
const wanted = new Map();

/* Returns the counts of an article. Requests made within a moment, and while the page is parsed,
   are sent together. */
function countsOf(url, article) {
  if (!wanted.size) {
    const gathered = () => setTimeout(send, GATHER_MS);
    if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", gathered, { once: true });
    else gathered();
  }
  return new Promise((resolve, reject) => {
    const ids = wanted.get(url.href) ?? new Map();
    wanted.set(url.href, ids);
    ids.set(article, [...(ids.get(article) ?? []), { resolve, reject }]);
  });
}

function send() {
  for (const [address, ids] of wanted) {
    let part = [];
    /* In order, so that pages with the same articles request the same address. */
    for (const id of [...ids.keys()].sort()) {
      if (part.length === MAX_IDS || naming(address, [...part, id]).href.length > MAX_ADDRESS) {
        request(address, part, ids);
        part = [];
      }
      part.push(id);
    }
    request(address, part, ids);
  }
  wanted.clear();
}

function naming(address, part) {
  const url = new URL(address);
  for (const id of part) url.searchParams.append("id", id);
  return url;
}

function request(address, part, ids) {
  const each = (done) => part.forEach((id) => ids.get(id).forEach((waiting) => done(waiting, id)));
  read(naming(address, part)).then(
    ({ counts }) => each(({ resolve }, id) => resolve(counts[id])),
    (error) => {
      if (error.status !== 400 || part.length === 1) return each(({ reject }) => reject(error));
      /* One id that the service refuses must not cost the others their numbers. */
      const half = part.length >> 1;
      request(address, part.slice(0, half), ids);
      request(address, part.slice(half), ids);
    },
  );
}

/* An element about one article. */
class ArticleElement extends PageElement {
  /* The id as the service cleans it, null if there is none. */
  get article() {
    const id = (this.getAttribute("article") || "").trim().normalize("NFC");
    if (id && [...id].length <= 128) return id;
    this.warn("article is missing or longer than 128 characters; write the id of an article");
    return null;
  }

  async load() {
    clearTimeout(this.timer);
    const turn = (this.turn = {});
    const { article } = this;
    if (article === null) return;
    const url = this.address("v1/counts");
    for (const name of ["site", "window", "tz"]) {
      if (this.getAttribute(name)) url.searchParams.set(name, this.getAttribute(name));
    }
    try {
      const counts = await countsOf(url, article);
      if (turn === this.turn && counts) this.show(counts);
    } catch (error) {
      /* Keep the current number. */
      if (turn === this.turn) this.failed(error);
    }
    if (turn === this.turn) this.again();
  }
}

define("most-read-count", class extends ArticleElement {
  static observedAttributes = ["article", "what", "site", "window", "tz", "src", "refresh", "words"];

  static style = sheet(":host { font-variant-numeric: tabular-nums; }");

  show(counts) {
    const what = this.getAttribute("what") || "views";
    if (!WHAT.includes(what)) return this.warn(`what cannot be "${what}"; write ${WHAT.join(", ")}`);
    /* More may have been taken back in a window than was given. */
    const number = Math.max(0, counts[what]);
    const word = make("span", "label", this.counted(what, number));
    this.shadowRoot.replaceChildren(make("span", "number", grouped(number, this.pageLang)), " ", word);
    this.dispatchEvent(new CustomEvent("most-read-shown", { detail: counts }));
  }
});
