/* <most-read> shows a list. Its children are a fallback, shown until the list is loaded, and if
   loading fails. */
const PARAMETERS = ["site", "window", "by", "limit", "offset", "section", "language", "author", "tag", "published-within", "tz", "half-life"];
const REPEATED = ["section", "language", "author", "tag"];

const web = (url) => /^https?:\/\//i.test(url || "") && url;

/* The addresses of the page that shows the element, without their fragments. */
function current() {
  const canonical = document.querySelector("link[rel=canonical]")?.href;
  const own = document.querySelector("meta[property='og:url']")?.content;
  return new Set([canonical, own && new URL(own, location).href, location.href, location.origin + location.pathname]
    .filter(Boolean).map(bare));
}

const bare = (url) => url.replace(/#.*/s, "");

define("most-read", class extends PageElement {
  static observedAttributes = [...PARAMETERS, "src", "exclude", "counts", "images", "dates", "refresh", "label", "words"];

  static style = sheet(`
    :host { display: block; font: var(--most-read-font, inherit); color: var(--most-read-color, inherit); }
    ol { list-style: none; margin: 0; padding: 0; }
    li { display: grid; grid-template-columns: var(--most-read-rank-width, 2.2em) minmax(0, 1fr) auto; align-items: start;
      padding: var(--most-read-gap, .6em) 0; border-bottom: 1px solid var(--most-read-line, rgb(128 128 128 / .35)); }
    li:last-child { border-bottom: 0; }
    .rank { color: var(--most-read-accent, inherit); font-variant-numeric: tabular-nums; }
    .image { margin-inline-start: .8em; object-fit: cover; border-radius: var(--most-read-radius, 0); }
    a { color: inherit; text-decoration: none; overflow-wrap: anywhere; }
    a:hover { text-decoration: underline; }
    .details { display: flex; flex-wrap: wrap; gap: 0 .8em; margin-top: .15em; font-size: .85em;
      color: var(--most-read-quiet, inherit); }`);

  async load() {
    clearTimeout(this.timer);
    const turn = (this.turn = {});
    const limit = Number(this.getAttribute("limit") || 10);
    const excluded = several(this.getAttribute("exclude"));
    const url = this.address("v1/most-read");
    for (const name of PARAMETERS) {
      const value = this.getAttribute(name);
      const values = REPEATED.includes(name) ? several(value) : [value];
      for (const each of values) if (each) url.searchParams.append(name.replace("-", "_"), each);
    }
    /* Left out here rather than by the service, so that all pages request one address. */
    if (excluded.length && limit <= 100) url.searchParams.set("limit", Math.min(100, limit + excluded.length));
    try {
      const list = await read(url);
      if (turn === this.turn) this.show(list, this.without(list.items, excluded).slice(0, limit));
    } catch (error) {
      /* Keep the current list. */
      if (turn === this.turn) this.failed(error);
    }
    if (turn === this.turn) this.again();
  }

  /* Returns the items without those excluded; the others close up around the pinned ones. */
  without(items, excluded) {
    const ids = new Set(excluded);
    const here = ids.delete("current") ? current() : new Set();
    const kept = items.filter((item) => !ids.has(item.article_id) && !(web(item.url) && here.has(bare(item.url))));
    const placed = kept.filter((item) => !item.pinned);
    for (const item of kept) if (item.pinned) placed.splice(item.rank - items[0].rank, 0, item);
    return placed.map((item, number) => ({ ...item, rank: items[0].rank + number }));
  }

  show(list, items) {
    const rows = make("ol", "list");
    rows.setAttribute("role", "list");
    rows.setAttribute("aria-label", this.getAttribute("label") || this.words.most_read);
    for (const item of items) {
      const row = make("li", "item");
      row.value = item.rank;
      const rank = make("span", "rank", item.rank);
      rank.setAttribute("aria-hidden", "true");
      const text = make("bdi", "", item.title);
      if (item.language) text.lang = item.language;
      const title = make(web(item.url) ? "a" : "span", "title", text);
      if (web(item.url)) title.href = item.url;
      row.append(rank, make("div", "body", title, ...this.details(list, item)), ...this.image(item));
      rows.append(row);
    }
    /* Keep the keyboard focus on the same article. */
    const focused = this.shadowRoot.activeElement;
    const empty = document.createElement("slot");
    empty.name = "empty";
    this.shadowRoot.replaceChildren(items.length ? rows : empty);
    if (focused) [...rows.querySelectorAll("a")].find((a) => a.href === focused.href)?.focus();
    this.dispatchEvent(new CustomEvent("most-read-shown", { detail: list }));
  }

  details(list, item) {
    const lang = this.pageLang;
    const details = [];
    if (this.hasAttribute("dates") && item.published_at) {
      const date = new Date(item.published_at);
      const time = make("time", "date", dated(date, lang, this.getAttribute("tz") || undefined));
      time.dateTime = item.published_at;
      details.push(time);
    }
    if (this.getAttribute("counts") === "total") {
      const numbers = WHAT.map((what) => [item.total[what], what]);
      const texts = numbers.map(([number, what]) => `${grouped(number, lang)} ${this.counted(what, number)}`);
      details.push(make("span", "counts", texts.join(" · ")));
    } else if (this.hasAttribute("counts")) {
      const what = list.by in item.window ? list.by : "views";
      const { during, measured } = this.words;
      const put = {
        number: grouped(item.window[what], lang),
        what: this.counted(what, item.window[what]),
        during: during[list.window.name],
      };
      details.push(make("span", "counts", measured.replace(/\{(\w+)\}/g, (_, name) => put[name])));
    }
    if (!details.length) return [];
    return [make("span", "details", ...details.flatMap((each, n) => (n ? [" ", each] : [each])))];
  }

  image(item) {
    if (!this.hasAttribute("images") || !web(item.image)) return [];
    const [, width = 96, height = 64] = SIZE.exec(this.getAttribute("images")) ?? [];
    const image = make("img", "image");
    /* The title beside it says the same. */
    Object.assign(image, { alt: "", loading: "lazy", decoding: "async", width, height, referrerPolicy: "no-referrer" });
    image.onerror = () => image.remove();
    image.src = item.image;
    return [image];
  }
});
