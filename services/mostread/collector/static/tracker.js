// Tracker: counts views, likes and comments of a page's article. docs/how-to/tracker.md describes
// its use and what it stores in the browser. It sets no cookie and identifies no reader.
//
// `make tracker` builds two scripts from this file. tracker.full.min.js contains all of it.
// tracker.min.js, for ordinary pages, lacks what is between `// full:` and `// :full`, stays below
// 1,000 bytes after gzip, and loads the full one in its place where a page or a reader needs more;
// SMALL tells them apart. Some lines are in an odd order because it compresses better. The syntax
// is that of ECMAScript 2018, for browsers of the last eight years.
//
// The file is a module without imports. Its function runs the tracker for a script element, or for
// an object with `src` and `dataset`, so a package can export it, with SMALL defined as false.
export default (
  script = window.mostreadTag ||
    // full:
    (document.currentScript || {}).tag ||
    // :full
    document.currentScript ||
    // full:
    document.querySelector("script[src*='/page.full.js'],script[src*='/tracker.full.js']") ||
    // :full
    document.querySelector("[src*='/page.js'],[src*='/tracker.js']"),
) => {
  let store;
  let last; // the article at the previous look
  let early = window.mostread;
  let current; // the article counted last
  let data = script.dataset;
  let here = location.href;

  // Lets the full script continue on this page.
  let special = () => {
    here = 0; // ends this tracker
    let element = document.createElement("script");
    element.src = new URL("page.full.js", script.src);
    element.nonce = script.nonce;
    element.tag = script;
    document.head.append(element);
  };

  try {
    store = localStorage;
    store["mostread:"] = 0; // throws if storage is blocked or full; the next retry removes it
  } catch (e) {
    store = 0;
  }
  if (
    SMALL &&
    (!store ||
      store.mostread ||
      navigator.webdriver ||
      // Attributes and addresses; a false match only costs a download.
      /ta-[dt]|::1|#mostread|localhost|127\.|^[^h]|undefined|js\?/.test(here + script.outerHTML) ||
      top != self)
  )
    return special();
  // full:

  // ---- Settings, and why nothing counts ---------------------------------------------------------

  let has = (name) => data[name] != null && data[name] !== false;
  let say = (...words) => console.info("mostread:", ...words);
  let explain = (...words) => has("debug") && say(...words);
  for (let [name, value] of new URL(script.src).searchParams)
    if (!has(name) && /^[a-z]+$/.test(name)) data[name] = value;
  let off =
    (store.mostread && "#mostread-ignore") ||
    (!has("localhost") && /^$|^127\.|::1|localhost$/.test(location.hostname) && "localhost") ||
    (!has("automation") && navigator.webdriver && "automation") ||
    (!has("iframe") && top != self && "iframe") ||
    (has("dnt") && (navigator.doNotTrack == 1 || navigator.globalPrivacyControl) && "dnt");
  let unkept = !store && "view"; // the type that a reload could not recognise
  if (off) {
    say("not counted (" + off + ")" + (has("debug") ? "" : "; data-debug tells more"));
    delete store["mostread:"];
  }
  if (off || !store) store = {};
  explain("sends to", new URL("v1/items", script.src).href, "with", { ...data });
  if (unkept) explain("storage is blocked or full, so the collector must recognise a reload");

  // Obeys the link that ignores this browser or counts it again. Asks first, because anybody may
  // publish such a link. Returns whether the page loads again.
  let obeys = () => {
    let [, wish] = /^#mostread-(ignore|count)$/.exec(location.hash) || [];
    if (!wish) return;
    history.replaceState(history.state, "", location.pathname + location.search);
    try {
      if (!confirm("mostread: " + wish + " visits of this browser to " + location.host + "?")) return;
      delete localStorage.mostread;
      if (wish == "ignore") localStorage.mostread = wish;
      location.reload();
      return true;
    } catch (e) {
      say("storage is blocked, so the choice cannot be kept");
    }
  };

  // ---- The article in the page's metadata ---------------------------------------------------------

  let linked; // an earlier look found an address in the page's metadata
  let looks = 0; // in a row that found the same article
  let needed = 1; // such looks before a change of the article counts
  let campaign =
    /^([um]tm_|(\w*clk?id|[gw]braid|igsh(id)?|mc_[ce]id|_openstat|_g[al]|_hs(enc|mi)|mkt_tok|srsltid)(=|$))/i;

  let logged;

  // Returns a text that is not UTF-8 as it is.
  let decode = (text) => {
    try {
      return decodeURI(text);
    } catch (e) {
      return text;
    }
  };

  // Returns the id of the page's article, by the rule of mostread.core.article_ids, or "".
  let detect = () => {
    let canonical = document.querySelector("[rel~=canonical]");
    let element = canonical || document.querySelector("[property='og:url']");
    let source = canonical ? "link rel=canonical" : element ? "og:url" : "address bar";
    let url = location;
    let query = [];
    try {
      let address = (element.getAttribute("href") || element.content || "").trim();
      url = new URL(address && (element.href || address), address ? location : "empty");
      query = url.search.slice(1).split("&");
      linked = needed = 1;
    } catch (e) {
      if (element) source = "address bar, since " + source + " is empty or broken";
      if (linked) needed = 5;
    }
    query = query.filter((parameter) => parameter && !campaign.test(decode(parameter))).join("&");
    let id = decode(url.pathname + (query && "?" + query));
    id = [...id.normalize().trim()].slice(-128).join("").trim();
    let described = [
      ...document.querySelectorAll("[content=article i][property='og:type'],[type*='ld+']"),
    ].some(
      (element) =>
        // og:type, or the first type in a block of JSON-LD: NewsArticle, BlogPosting.
        element.content || /^\W*\w*(article|blogp)/i.test(element.textContent.split("@type")[1]),
    );
    let text = described
      ? "article " + id + ", from " + source
      : "not an article: no og:type article, no JSON-LD that begins with one";
    if (logged != (logged = text)) explain(text);
    return described ? id : "";
  };

  // Reports what the collector did with an event.
  let report = (key, answer) =>
    answer.text().then((text) => {
      let sent = key.slice(9).replace(/^\d[^,]*/, "comment"); // instead of its id
      explain("sent", sent, "answer", answer.status, text);
      if (/"dropped":[1-9]/.test(text) && !/"reasons"/.test(text))
        explain("dropped; the collector names the reason to pages at localhost only");
    });
  // :full

  // ---- Stored events, against losses and duplicates ---------------------------------------------

  let no = /^(NaN|\[o.*|undefined|null)?$/; // what a template or an app did not fill in

  // Sends the given event, unless it has a record, and all waiting events.
  let send = (type, article) => {
    let now = Date.now();
    let id = "" + Math.random() + now;
    // One view and one like per article and half hour; every comment is an event of its own. One
    // record per event rather than a list, so that tabs do not overwrite each other.
    let added = "mostread:" + [type == "comment" ? id : type, data.site, article];
    // A record is the event until the collector has answered, then the end of its dedup window
    // minus 25 minutes; each has a time. After 25 minutes an event could count twice, because the
    // window is 30. A time far in the future means that the reader's clock was set back.
    let age = (key) => Math.abs(now - /\d{13}/.exec(store[key]));
    // full:
    if (!type || (type == "view" && article === ""));
    else if (no.test(article)) explain(type, "not counted: no id in", article);
    else if (off) explain(type, "of", article, "not counted:", off);
    else if (age(added) < 15e5) explain(type, "of", article, "not counted twice in half an hour");
    else if (/[{<].*[}>]/.test(article)) explain("is this id an unfilled template?", article);
    if (off) return;
    // :full
    try {
      if (age(added) < 15e5) return;
      if (!no.test(article))
        store[added] = JSON.stringify({
          timestamp: now, // first, for age()
          site: data.site,
          type,
          id: SMALL ? id : type == unkept ? undefined : id, // if undefined, the collector sets it
          article_id: "" + article,
        });
    } catch (e) {
      // full:
      if (store.getItem) {
        store = { ...store }; // the storage is full: keep the record for this page only
        return send(type, article);
      }
      // :full
    }
    for (let key in store)
      if (/^mostread:/.test(key))
        if (age(key) > 15e5) delete store[key];
        // Others may be in flight, from any tab.
        else if (/{/.test(store[key]) && (age(key) > 5e3 || key == added))
          fetch(new URL("v1/items?sent_at=" + now, script.src), {
            method: "POST",
            body: store[key], // text needs no preflight
            keepalive: true, // the request may outlive the page
          }).then(
            (answer) =>
              // full:
              report(key, answer.clone()) &&
              // :full
              // 202: accepted. 400: never valid. Any other status may be temporary.
              answer.status < 401 && (store[key] = now + 3e5),
            () => {
              // full:
              explain("no answer: offline, or forbidden by connect-src or a blocker; tries again");
              // :full
            },
          );
  };

  // ---- The current article, and when a reader sees it -------------------------------------------

  // Polls instead of listening: an app that changes its URL updates its head some time later, each
  // in its own way, and the tracker need not replace history functions.
  let see = () => {
    // Prerendering ends a moment after the page is shown; events before that have no reader. Where
    // Turbo or htmx run the tag of another page, the tracker of the previous one ends.
    if (!document.body || document.prerendering || document.hidden || mostread.at != here) return;
    // full:
    if (obeys()) return;
    // :full
    let article = data.article;
    if (article == null) {
      // full:
      article = detect();
      // :full
      if (SMALL) {
        // A broken or relative address throws, or one that is not UTF-8.
        try {
          let url =
            document.querySelector("[rel~=canonical]") ||
            document.querySelector("[property='og:url']") ||
            location;
          url = new URL(url.href || url.content);
          article = decodeURI(url.pathname);
          article = document.querySelector("[content=article i][property='og:type']")
            ? url.search || article[128]
              ? special()
              : article
            : document.querySelector("[type*=ld]") && special();
        } catch (e) {
          special();
        }
      }
    }
    // An app may remove the address of the previous page some time before it sets the next.
    // full:
    looks = article == last ? looks + 1 : 0;
    // :full
    if (
      article != current &&
      ((SMALL ? article == last : looks >= needed) || !current || data.article != null)
    )
      send(SMALL ? "view" : data.type || "view", (current = article));
    last = article;
  };

  // ---- API for pages ----------------------------------------------------------------------------

  window.mostread = {
    push: (call) => {
      try {
        mostread[call[0]](call[1]);
      } catch (e) {
        // full:
        if (call && call.length) explain("unknown call:", call);
        // :full
      }
    },
    comment: (article = current) => send("comment", article),
    like: (article = current) => send("like", article),
    view: (article) => {
      // full:
      if (no.test(article)) explain("view ignored: no id in", article);
      // :full
      see(no.test(article) || (data.article = article));
    },
    at: here,
  };
  setInterval(see, 2e3);
  // Retries, unless this tracker has ended. Readers return at different times, since they loaded
  // their pages at different times.
  setInterval(() => mostread.at != here || send(), 5e3);
  // A page restored from the back-forward cache counts as loaded again. On a loaded page, a like must
  // not wait for the next look to know the article. The record of a view tells that it is the same,
  // so the small script need not know whether the page is restored.
  // full:
  addEventListener("pageshow", (event) => see(event.persisted && (current = null)));
  // :full
  if (SMALL) addEventListener("pageshow", () => see((current = null)));
  see();
  [].concat(early).map(mostread.push); // calls made before the script loaded
};
