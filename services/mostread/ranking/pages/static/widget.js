/* mostread: <most-read> shows what is read most. What stands inside the element is shown until the
   list is there, and stays where it cannot be had. docs/how-to/events.md has its attributes. */
(() => {
  const service = new URL(".", document.currentScript ? document.currentScript.src : location).href;
  const passed = ["site", "window", "by", "limit", "section", "language", "published_within", "tz", "half_life"];
  const words = {
    en: ["Most read", "Views", "Comments", "Likes"],
    ru: ["Самое читаемое", "Просмотры", "Комментарии", "Лайки"],
    kk: ["Ең көп оқылғандар", "Қаралым", "Пікір", "Ұнату"],
  };
  const style = new CSSStyleSheet();
  style.replaceSync(`
    :host { display: block; font: var(--most-read-font, inherit); color: var(--most-read-color, inherit); }
    :host([hidden]) { display: none; }
    ol { list-style: none; margin: 0; padding: 0; }
    li { display: grid; grid-template-columns: var(--most-read-rank-width, 2.2em) minmax(0, 1fr);
      padding: var(--most-read-gap, .6em) 0; border-bottom: 1px solid var(--most-read-line, currentColor); }
    li:last-child { border-bottom: 0; }
    .rank { color: var(--most-read-accent, inherit); font-variant-numeric: tabular-nums; }
    a { color: inherit; text-decoration: none; overflow-wrap: anywhere; }
    a:hover { text-decoration: underline; }
    .counts { display: block; font-size: .85em; color: var(--most-read-quiet, inherit); }`);

  const make = (name, part, text) => {
    const made = document.createElement(name);
    if (part) made.className = made.part = part;
    if (text !== undefined) made.textContent = text;
    return made;
  };
  /* Narrow spaces, as in the service's own pages: browsers do not know every language's way. */
  const grouped = (number) => String(number).replace("-", "\u2212").replace(/\B(?=(\d{3})+$)/g, "\u202f");
  const address = (url) => /^https?:\/\//i.test(url || "") && url;

  customElements.get("most-read") || customElements.define("most-read", class extends HTMLElement {
    static observedAttributes = [...passed.map((name) => name.replace("_", "-")), "src", "counts", "refresh"];

    connectedCallback() {
      if (!this.shadowRoot) {
        this.attachShadow({ mode: "open" }).append(document.createElement("slot"));
        this.shadowRoot.adoptedStyleSheets = [style];
      }
      this.seen = () => document.hidden || this.load();
      document.addEventListener("visibilitychange", this.seen);
      this.load();
    }

    disconnectedCallback() {
      document.removeEventListener("visibilitychange", this.seen);
      clearTimeout(this.timer);
      this.turn = 0;
    }

    attributeChangedCallback(name, before, now) {
      if (this.isConnected && this.shadowRoot && before !== now) this.load();
    }

    async load() {
      clearTimeout(this.timer);
      const turn = (this.turn = {});
      const asked = new URL("v1/most-read", this.getAttribute("src") ? new URL(this.getAttribute("src"), location) : service);
      for (const name of passed) {
        const value = this.getAttribute(name.replace("_", "-"));
        if (value) asked.searchParams.set(name, value);
      }
      try {
        const answer = await fetch(asked, { credentials: "omit", referrerPolicy: "no-referrer" });
        if (!answer.ok) throw new Error(`${asked}: ${answer.status}`);
        const list = await answer.json();
        if (turn === this.turn && list.items.length) this.show(list);
      } catch (error) {
        /* What is shown already stays. */
        if (turn === this.turn) this.dispatchEvent(new CustomEvent("most-read-error", { detail: error }));
      }
      if (turn !== this.turn) return;
      const seconds = Math.max(5, Number(this.getAttribute("refresh")) || 60);
      this.timer = setTimeout(this.seen, seconds * 1000);
    }

    show(list) {
      const lang = this.closest("[lang]")?.lang ?? "";
      const [name, ...labels] = words[lang.slice(0, 2).toLowerCase()] || words.en;
      const rows = make("ol", "list");
      rows.setAttribute("role", "list");
      rows.setAttribute("aria-label", this.getAttribute("label") || name);
      for (const item of list.items) {
        const row = make("li", "item");
        row.value = item.rank;
        const rank = make("span", "rank", item.rank);
        rank.setAttribute("aria-hidden", "true");
        const body = make("div", "body");
        const title = make(address(item.url) ? "a" : "span", "title");
        if (address(item.url)) title.href = item.url;
        title.append(make("bdi", "", item.title));
        body.append(title);
        if (this.hasAttribute("counts")) {
          const numbers = [item.total.views, item.total.comments, item.total.likes];
          body.append(make("span", "counts", labels.map((label, n) => `${label}: ${grouped(numbers[n])}`).join(" · ")));
        }
        row.append(rank, body);
        rows.append(row);
      }
      /* Whoever reads with the keyboard stays where they were. */
      const focused = this.shadowRoot.activeElement;
      this.shadowRoot.replaceChildren(rows);
      if (focused) [...rows.querySelectorAll("a")].find((a) => a.href === focused.href)?.focus();
      this.dispatchEvent(new CustomEvent("most-read-shown", { detail: list }));
    }
  });
})();
