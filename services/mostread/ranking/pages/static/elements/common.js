/* Custom elements for any page: <most-read>, <most-read-count> and <most-read-like>.
   docs/how-to/lists.md describes them. The service joins these files into /widget.js, and puts the
   words of its catalogues into WORDS. */
/* A module has no current script. One that another module imports has no script element either. */
const OWN = document.currentScript ?? document.querySelector("script[src*='/widget.js']");
const SERVICE = OWN && new URL(".", OWN.src).href;
const MINUTE = 60_000;
const DAY_S = 86_400;
const WHAT = ["views", "comments", "likes"];
const SIZE = /^([1-9]\d{0,3})x([1-9]\d{0,3})$/;
/* By attribute: what is valid beside no value, and how to say it. Frameworks may write "true". */
const VALUES = {
  what: [(value) => WHAT.includes(value), WHAT.join(", ")],
  counts: [(value) => /^(counts|true|total)$/.test(value), "nothing or total"],
  dates: [(value) => /^(dates|true)$/.test(value), "nothing"],
  images: [(value) => /^(images|true)$/.test(value) || SIZE.test(value), "width and height in pixels, for example 96x64"],
  refresh: [(value) => value >= 5 && value <= DAY_S, `seconds from 5 to ${DAY_S}`],
};
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

/* Browsers format numbers and dates of a language they lack by the rules of another one. Chromium
   says that it supports Kazakh, but has only the root's data: its November is M11. */
const knows = (lang) => {
  try {
    return Intl.DateTimeFormat.supportedLocalesOf(lang).length > 0 &&
      !/^M\d/.test(new Intl.DateTimeFormat(lang, { month: "long" }).format());
  } catch {
    return false;
  }
};
const grouped = (number, lang) => (knows(lang)
  ? new Intl.NumberFormat(lang).format(number)
  : String(number).replace("-", "\u2212").replace(/\B(?=(\d{3})+$)/g, "\u202f"));
/* Most languages that browsers lack write 27.11.2026, as German does. */
const dated = (date, lang, timeZone) =>
  new Intl.DateTimeFormat(knows(lang) ? lang : "de", { dateStyle: "medium", timeZone }).format(date);

const several = (text) => (text || "").split("|").map((one) => one.trim()).filter(Boolean);

/* Browsers notify other tabs only, not other elements of the page. */
const changed = (key) => dispatchEvent(new StorageEvent("storage", { key }));

/* Values in the storage of the browser, or until the page ends if that is blocked. */
const memory = {};
const stored = {
  get(key) {
    try {
      return JSON.parse(localStorage.getItem(key) ?? memory[key] ?? "null");
    } catch {
      return JSON.parse(memory[key] ?? "null");
    }
  },
  set(key, value) {
    memory[key] = JSON.stringify(value);
    try {
      localStorage.setItem(key, memory[key]);
      delete memory[key];
    } catch {}
    changed(key);
  },
  delete(key) {
    delete memory[key];
    try {
      localStorage.removeItem(key);
    } catch {}
    changed(key);
  },
};

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
    if (!this.isConnected || !this.shadowRoot || before === now) return;
    this.check();
    this.load();
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
    /* With or without a slash at the end. */
    const src = this.getAttribute("src")?.replace(/\/*$/, "/");
    if (!src && !SERVICE) this.warn("the address of the service is unknown; write it into src, since the script was imported");
    return new URL(path, src ? new URL(src, location) : SERVICE ?? location);
  }

  /* Tells the developer of the page what is wrong, once. */
  warn(text) {
    this.warned ??= new Set();
    if (this.warned.has(text)) return;
    this.warned.add(text);
    console.warn(`<${this.localName}>: ${text}`, this);
  }

  /* A misspelt attribute or value would have no effect and say nothing. The service checks the
     values of its parameters. */
  check() {
    const own = this.constructor.observedAttributes;
    for (const { name, value } of this.attributes) {
      if (own.includes(name)) {
        const [valid, allowed] = VALUES[name] ?? [];
        if (valid && value && !valid(value)) this.warn(`${name} cannot be "${value}"; write ${allowed}`);
      } else if (!GLOBAL.test(name)) this.warn(`the attribute ${name} is unknown; there are ${own.join(", ")}`);
    }
  }

  failed(error) {
    if (error.detail) this.warn(error.detail);
    this.dispatchEvent(new CustomEvent("most-read-error", { detail: error }));
  }

  again() {
    const seconds = Math.min(DAY_S, Math.max(5, Number(this.getAttribute("refresh")) || 60));
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
