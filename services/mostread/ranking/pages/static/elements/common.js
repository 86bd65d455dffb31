/* Custom elements for any page: <most-read>, <most-read-count> and <most-read-like>.
   docs/how-to/lists.md describes them. The service joins these files into /widget.js, and puts the
   words of its catalogues into WORDS. */
const SERVICE = new URL(".", document.currentScript?.src || location).href;
const MINUTE = 60_000;
const WHAT = ["views", "comments", "likes"];
/* Attributes of any element, and those of frameworks. */
const GLOBAL = new RegExp(
  "^(class|dir|exportparts|hidden|id|inert|lang|part|role|slot|state|style|tabindex|title|translate" +
  "|(aria|data|ng|v|x)-.*|on.*|[^a-z].*)$",
);

const make = (name, part, ...content) => {
  const element = document.createElement(name);
  if (part) element.className = element.part = part;
  element.append(...content);
  return element;
};

const sheet = (css) => {
  const style = new CSSStyleSheet();
  style.replaceSync(`:host([hidden]) { display: none; }
    .quiet { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%);
      white-space: nowrap; } ${css}`);
  return style;
};

/* Browsers format numbers and dates of a language they lack by the rules of another one. */
const knows = (lang) => {
  try {
    return Intl.NumberFormat.supportedLocalesOf(lang).length > 0;
  } catch {
    return false;
  }
};
const grouped = (number, lang) => (knows(lang)
  ? new Intl.NumberFormat(lang).format(number)
  : String(number).replace("-", "\u2212").replace(/\B(?=(\d{3})+$)/g, "\u202f"));
const dated = (date, lang, timeZone) => (knows(lang)
  ? new Intl.DateTimeFormat(lang, { dateStyle: "medium", timeZone }).format(date)
  : date.toISOString().slice(0, 10));

const several = (text) => (text || "").split("|").map((one) => one.trim()).filter(Boolean);

/* Language, words, requests and refreshing of all elements. */
class PageElement extends HTMLElement {
  connectedCallback() {
    if (!this.shadowRoot) {
      this.attachShadow({ mode: "open" }).append(document.createElement("slot"));
      this.shadowRoot.adoptedStyleSheets = [this.constructor.style];
    }
    this.onVisible = () => document.hidden || this.load();
    document.addEventListener("visibilitychange", this.onVisible);
    this.check();
    this.load();
  }

  disconnectedCallback() {
    document.removeEventListener("visibilitychange", this.onVisible);
    clearTimeout(this.timer);
    this.turn = 0;
  }

  attributeChangedCallback(name, before, now) {
    if (this.isConnected && this.shadowRoot && before !== now) this.load();
  }

  get pageLang() {
    return this.closest("[lang]")?.lang || "";
  }

  /* The words of the language, and over them those of the attribute `words`. */
  get words() {
    let own = {};
    try {
      own = JSON.parse(this.getAttribute("words") || "{}");
    } catch (error) {
      this.warn(`words is not JSON (${error.message})`);
    }
    return { ...(WORDS[this.pageLang.slice(0, 2).toLowerCase()] || WORDS.en), ...own };
  }

  /* Returns the word for a number: a text, or one for each plural category of the language. */
  counted(what, number) {
    const forms = this.words[what];
    if (typeof forms !== "object") return forms;
    const lang = this.pageLang;
    const category = new Intl.PluralRules(knows(lang) ? lang : "en").select(Math.abs(number));
    return forms[category] ?? forms.other;
  }

  address(path) {
    return new URL(path, this.hasAttribute("src") ? new URL(this.getAttribute("src"), location) : SERVICE);
  }

  /* Tells the developer of the page what is wrong, once. */
  warn(text) {
    this.warned ??= new Set();
    if (this.warned.has(text)) return;
    this.warned.add(text);
    console.warn(`<${this.localName}>: ${text}`, this);
  }

  /* A misspelt attribute would have no effect and say nothing. */
  check() {
    const own = this.constructor.observedAttributes;
    for (const { name } of this.attributes) {
      if (GLOBAL.test(name) || own.includes(name)) continue;
      this.warn(`the attribute ${name} is unknown; there are ${own.join(", ")}`);
    }
  }

  failed(error) {
    if (error.detail) this.warn(error.detail);
    this.dispatchEvent(new CustomEvent("most-read-error", { detail: error }));
  }

  again() {
    const seconds = Math.max(5, Number(this.getAttribute("refresh")) || 60);
    this.timer = setTimeout(this.onVisible, seconds * 1000);
  }
}

/* Returns the JSON at an address. Its errors have the reason that the service gives. */
async function read(url) {
  const response = await fetch(url, { credentials: "omit", referrerPolicy: "no-referrer" });
  if (response.ok) return response.json();
  const error = Object.assign(new Error(`${url}: ${response.status}`), { status: response.status });
  if (response.status === 400) error.detail = (await response.json().catch(() => ({}))).detail;
  throw error;
}

const define = (name, element) => customElements.get(name) || customElements.define(name, element);
