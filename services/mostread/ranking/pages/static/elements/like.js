/* <most-read-like> is a button with the number of likes. A browser likes an article once. It can
   take that back while the collector accepts its receipt. */
const RECEIPT_MS = 25 * MINUTE;
/* Not the prefix of the tracker, which sends what is stored under it. */
const PREFIX = "mostread-like:";
/* Likes without an answer, which the collector may have counted. */
const UNANSWERED = "mostread-unanswered:";
const HEART = "M12 21 4.2 13a5.1 5.1 0 0 1 7.2-7.2l.6.6.6-.6A5.1 5.1 0 0 1 19.8 13z";

/* For a receipt, an id begins with the time. */
function newId() {
  const bytes = [...crypto.getRandomValues(new Uint8Array(16))];
  return `${Date.now()}-${bytes.map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

define("most-read-like", class extends ArticleElement {
  static observedAttributes = ["article", "collector", "site", "src", "refresh", "label", "words"];

  static style = sheet(`
    :host { display: inline-block; }
    button { display: inline-flex; align-items: center; gap: .45em; min-height: 2.75em; padding: 0 1em; font: inherit;
      color: var(--most-read-like-color, inherit); background: var(--most-read-like-background, none);
      border: 1px solid var(--most-read-like-border, currentColor);
      border-radius: var(--most-read-like-radius, 99em); cursor: pointer; }
    button:focus-visible { outline: 2px solid currentColor; outline-offset: 2px; }
    button[aria-disabled=true] { cursor: default; }
    svg { width: 1.25em; height: 1.25em; fill: none; stroke: currentColor; stroke-width: 2; }
    button[aria-pressed=true] svg { color: var(--most-read-like-accent, #d3203c); fill: currentColor; }
    .number { font-variant-numeric: tabular-nums; }
    .message:not(:empty) { display: block; margin-top: .3em; font-size: .85em; }`);

  connectedCallback() {
    if (!this.shadowRoot) this.build();
    if (!this.getAttribute("collector")) this.warn("collector is missing; write the address of the collector");
    super.connectedCallback();
    this.update();
  }

  disconnectedCallback() {
    clearTimeout(this.ends);
    super.disconnectedCallback();
  }

  attributeChangedCallback(...change) {
    super.attributeChangedCallback(...change);
    if (this.button) this.update();
  }

  build() {
    this.attachShadow({ mode: "open" }).adoptedStyleSheets = [this.constructor.style];
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    const path = document.createElementNS(svg.namespaceURI, "path");
    svg.setAttribute("viewBox", "0 0 24 24");
    svg.setAttribute("aria-hidden", "true");
    svg.setAttribute("part", "icon");
    path.setAttribute("d", HEART);
    svg.append(path);
    this.label = make("span", "quiet");
    const content = document.createElement("slot");
    content.append(svg, this.label);
    this.number = make("span", "number");
    this.unit = make("span", "quiet");
    this.button = make("button", "button", content, " ", this.number, " ", this.unit);
    this.button.type = "button";
    this.button.onclick = () => this.toggle();
    this.message = make("span", "message");
    this.message.setAttribute("role", "status");
    this.shadowRoot.append(this.button, this.message);
  }

  get key() {
    return PREFIX + this.name;
  }

  /* Shows what is stored and what the service counted. */
  update() {
    const like = stored.get(this.key);
    const age = like && Date.now() - like.at;
    this.pressed = Boolean(like);
    /* A like that the collector dropped, for example of a bot, can always be taken back. */
    this.final = Boolean(like?.counted) && (!like.receipt || age > RECEIPT_MS);
    this.button.setAttribute("aria-pressed", this.pressed);
    this.button.setAttribute("aria-busy", Boolean(this.pending));
    this.button.setAttribute("aria-disabled", Boolean(this.pending || this.final || !this.getAttribute("collector")));
    const state = this.final ? "final" : this.pressed ? "pressed" : "ready";
    this.setAttribute("state", this.pending ? "pending" : this.failure ? "failed" : state);
    this.label.textContent = this.getAttribute("label") || this.words.like;
    clearTimeout(this.ends);
    if (like?.counted && !this.final) this.ends = setTimeout(() => this.update(), RECEIPT_MS - age + 1000);
    const number = this.likes;
    if (number === undefined) return;
    this.number.textContent = grouped(number, this.pageLang);
    this.unit.textContent = this.counted("likes", number);
  }

  async toggle() {
    const like = stored.get(this.key);
    /* Another tab was faster. */
    if (Boolean(like) !== this.pressed) return this.update();
    if (this.pending || !this.getAttribute("collector")) return;
    this.say("");
    this.failure = false;
    if (this.final) return this.say(this.words.like_final);
    this.pending = true;
    this.update();
    try {
      await (like ? this.takeBack(like) : this.give());
      const detail = { article: this.article, liked: !like };
      this.dispatchEvent(new CustomEvent("most-read-like", { detail, bubbles: true }));
    } catch (error) {
      this.failure = true;
      this.say(this.words.like_failed);
      this.failed(error);
    }
    this.pending = false;
    this.update();
  }

  say(text) {
    this.message.textContent = text ?? "";
  }

  async give() {
    const { key, name, likes } = this;
    const unanswered = key.replace(PREFIX, UNANSWERED);
    /* If the last answer was lost, the same id again counts once, and the service may have counted it. */
    let sent = stored.get(unanswered);
    if (!(Date.now() - sent?.at < RECEIPT_MS)) stored.set(unanswered, (sent = { id: newId(), at: Date.now(), likes }));
    const event = { id: sent.id, ...this.event };
    const answer = await this.post(event, "&receipts=1").catch((error) => {
      /* The clock of this reader is wrong: the like counts, but cannot be taken back. */
      if (error.reason === "clock") return this.post(event, "");
      throw error;
    });
    stored.set(SHOWN + name, { liked: true, number: (sent.likes ?? 0) + answer.accepted, at: Date.now() });
    stored.set(key, {
      id: sent.id,
      at: sent.at,
      counted: answer.accepted > 0,
      receipt: answer.receipts?.[event.id],
    });
    stored.delete(unanswered);
  }

  async takeBack(like) {
    const { key, name, likes } = this;
    try {
      if (like.counted) await this.post({ id: like.id, ...this.event, delta: -1, receipt: like.receipt }, "");
    } catch (error) {
      /* The receipt has expired, or its key was changed. */
      if (error.reason !== "token_required") throw error;
      stored.set(key, { ...like, receipt: undefined });
      this.update();
      return this.say(this.words.like_final);
    }
    if (likes === undefined) stored.delete(SHOWN + name);
    else stored.set(SHOWN + name, { liked: false, number: likes - like.counted, at: Date.now() });
    stored.delete(key);
  }

  get event() {
    return { type: "like", site: this.getAttribute("site") || undefined, article_id: this.article, timestamp: Date.now() };
  }

  /* Sends an event, to the name that filter lists do not block. Returns the answer of the
     collector once it is counted for sure. */
  async post(event, parameters) {
    const collector = new URL(this.getAttribute("collector"), location).href.replace(/\/?$/, "/");
    const response = await fetch(`${collector}v1/items?sent_at=${Date.now()}${parameters}`, {
      method: "POST",
      body: JSON.stringify(event), // text needs no preflight
      keepalive: true,
      credentials: "omit",
    });
    const answer = await response.json().catch(() => ({}));
    if (response.ok) return answer;
    const error = new Error(`${collector}: ${response.status}`);
    [{ reason: error.reason, detail: error.detail } = {}] = answer.rejected ?? [];
    throw error;
  }
});
