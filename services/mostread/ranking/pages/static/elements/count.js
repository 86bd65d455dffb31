/* <most-read-count> shows a number of an article. All elements of a page that want the same window
   share a request. */
const MAX_IDS = 100;
const MAX_ADDRESS = 6000;
const GATHER_MS = 20;
/* A like is in the counts some seconds later, and is taken from them as late. Until then, all
   elements and tabs show the number that its button showed. */
const SETTLES_MS = MINUTE;
const SHOWN = "mostread-likes:";

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
  connectedCallback() {
    this.onStorage = ({ key }) => (key === null || key?.endsWith(this.name)) && this.update();
    addEventListener("storage", this.onStorage);
    super.connectedCallback();
  }

  disconnectedCallback() {
    removeEventListener("storage", this.onStorage);
    super.disconnectedCallback();
  }

  attributeChangedCallback(name, before, now) {
    /* The numbers are those of another article. */
    if (["article", "site"].includes(name) && before !== now) this.counts = undefined;
    super.attributeChangedCallback(name, before, now);
  }

  /* The id as the service cleans it, null if there is none. */
  get article() {
    const id = (this.getAttribute("article") || "").trim().normalize("NFC");
    if (id && [...id].length <= 128) return id;
    this.warn("article is missing or longer than 128 characters; write the id of an article");
    return null;
  }

  /* Ends the keys of what is stored about the article. */
  get name() {
    return `${this.getAttribute("site") || "default"}:${this.article}`;
  }

  /* The likes that the service counted, with what this browser did since; undefined before the
     service answered. */
  get likes() {
    if (!this.counts) return undefined;
    const { likes } = this.counts;
    const shown = stored.get(SHOWN + this.name);
    if (!shown || this.requestedAt - shown.at > SETTLES_MS) return Math.max(0, likes);
    return Math.max(0, shown.liked ? Math.max(likes, shown.number) : Math.min(likes, shown.number));
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
    const requestedAt = Date.now();
    try {
      const counts = await countsOf(url, article);
      if (turn === this.turn && counts) {
        Object.assign(this, { counts, requestedAt });
        /* By now, the other tabs have newer numbers as well. */
        const shown = SHOWN + this.name;
        if (requestedAt - stored.get(shown)?.at > 2 * SETTLES_MS) stored.delete(shown);
        this.update();
        this.dispatchEvent(new CustomEvent("most-read-shown", { detail: counts }));
      }
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

  update() {
    const what = this.getAttribute("what") || "views";
    if (!this.counts || !WHAT.includes(what)) return;
    const lifetime = (this.getAttribute("window") || "all") === "all";
    /* More may have been taken back in a window than was given. */
    const number = what === "likes" && lifetime ? this.likes : Math.max(0, this.counts[what]);
    const word = make("span", "label", this.counted(what, number));
    this.shadowRoot.replaceChildren(make("span", "number", grouped(number, this.pageLang)), " ", word);
  }
});
