/* mostread: <most-read> shows the most-read list. Its children are a fallback, shown until the list
   is loaded, and if loading fails. docs/how-to/lists.md describes the attributes. */
(() => {
  const service = new URL(".", document.currentScript ? document.currentScript.src : location).href;
  const parameters = ["site", "window", "by", "limit", "section", "language", "published_within", "tz", "half_life"];
  const messages = {
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
    const element = document.createElement(name);
    if (part) element.className = element.part = part;
    if (text !== undefined) element.textContent = text;
    return element;
  };
  /* Narrow spaces, as on the service's own pages: browsers lack the rules of some languages. */
  const grouped = (number) => String(number).replace("-", "\u2212").replace(/\B(?=(\d{3})+$)/g, "\u202f");
  const address = (url) => /^https?:\/\//i.test(url || "") && url;

  customElements.get("most-read") || customElements.define("most-read", class extends HTMLElement {
    static observedAttributes = [...parameters.map((name) => name.replace("_", "-")), "src", "counts", "refresh"];

    connectedCallback() {
      if (!this.shadowRoot) {
        this.attachShadow({ mode: "open" }).append(document.createElement("slot"));
        this.shadowRoot.adoptedStyleSheets = [style];
      }
      this.onVisible = () => document.hidden || this.load();
      document.addEventListener("visibilitychange", this.onVisible);
      this.load();
    }

    disconnectedCallback() {
      document.removeEventListener("visibilitychange", this.onVisible);
      clearTimeout(this.timer);
      this.request = 0;
    }

    attributeChangedCallback(name, before, now) {
      if (this.isConnected && this.shadowRoot && before !== now) this.load();
    }

    async load() {
      clearTimeout(this.timer);
      const request = (this.request = {});
      const url = new URL("v1/most-read", this.getAttribute("src") ? new URL(this.getAttribute("src"), location) : service);
      for (const name of parameters) {
        const value = this.getAttribute(name.replace("_", "-"));
        if (value) url.searchParams.set(name, value);
      }
      try {
        const response = await fetch(url, { credentials: "omit", referrerPolicy: "no-referrer" });
        if (!response.ok) throw new Error(`${url}: ${response.status}`);
        const list = await response.json();
        if (request === this.request && list.items.length) this.show(list);
      } catch (error) {
        /* Keep the current list. */
        if (request === this.request) this.dispatchEvent(new CustomEvent("most-read-error", { detail: error }));
      }
      if (request !== this.request) return;
      const seconds = Math.max(5, Number(this.getAttribute("refresh")) || 60);
      this.timer = setTimeout(this.onVisible, seconds * 1000);
    }

    show(list) {
      const lang = this.closest("[lang]")?.lang ?? "";
      const [name, ...labels] = messages[lang.slice(0, 2).toLowerCase()] || messages.en;
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
      /* Keep the keyboard focus on the same article. */
      const focused = this.shadowRoot.activeElement;
      this.shadowRoot.replaceChildren(rows);
      if (focused) [...rows.querySelectorAll("a")].find((a) => a.href === focused.href)?.focus();
      this.dispatchEvent(new CustomEvent("most-read-shown", { detail: list }));
    }
  });
})();
