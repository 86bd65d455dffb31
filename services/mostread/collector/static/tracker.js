// Tracker script: counts views, likes and comments of a page's article. docs/how-to/tracker.md
// describes its use and what it stores in the browser. It sets no cookie and identifies no reader.
//
// The collector serves tracker.min.js, which `make tracker` builds from this file. It must stay
// below 1,000 bytes after gzip, where a repeated word is cheaper than a short new one: hence `let`
// throughout, and long names, which the minifier shortens.
(() => {
  let script = document.currentScript;
  let data = script.dataset;
  let early = window.mostread;
  if (early?.like) return; // the page has another tracker

  // ---- Opt-out conditions: attributes lift the first three and enable the fourth ----------------

  let off =
    (data.localhost == null && /^$|^127\.|::1|localhost$/.test(location.hostname)) ||
    (data.automation == null && navigator.webdriver) ||
    (data.iframe == null && top != self) ||
    (data.dnt != null && (navigator.doNotTrack == 1 || navigator.globalPrivacyControl));

  // ---- Stored events, against losses and duplicates ---------------------------------------------

  // One record per event rather than a list, so that tabs do not overwrite each other. A record is
  // the event until the collector has answered, then the end of its dedup window minus 25 minutes.
  let prefix = "mostread:";
  let store = {};
  let unkept = "view"; // the type that a reload could not recognise
  try {
    if (!off) {
      localStorage[prefix] = 0; // throws if storage is blocked; the first send() removes it
      store = localStorage;
      unkept = "";
    }
  } catch {}

  // Sends the given event, unless it has a record, and all waiting events.
  let send = (type, article) => {
    let now = Date.now();
    let id = "" + now + Math.random();
    let keys = [];
    let events = [];
    // One view and one like per article and half hour; every comment is an event of its own.
    let added = prefix + (type == "comment" ? id : [type, data.site, article]);
    for (let key in { ...store, [added]: 0 })
      if (key.startsWith(prefix)) {
        let record = JSON.parse(store[key] || 0);
        // After 25 minutes it could count twice, because the dedup window is 30. A time far in the
        // future means that the reader's clock was set back.
        if (Math.abs(now - (record.timestamp || record)) > 15e5) {
          delete store[key];
          record = 0;
          if (key == added && article && !off) {
            record = {
              id: type == unkept ? undefined : id, // if undefined, the collector sets it
              type,
              site: data.site,
              article_id: "" + article,
              timestamp: now,
            };
            try {
              store[key] = JSON.stringify(record);
            } catch {} // the storage is full: send it once, without a record
          }
        }
        if (record.timestamp && !keys[99]) {
          keys.push(key);
          events.push(record);
        }
      }
    if (keys[0])
      fetch(new URL("v1/events?sent_at=" + now, script.src), {
        method: "POST",
        body: JSON.stringify(events), // text needs no preflight
        keepalive: true, // the request may outlive the page
      }).then(
        (answer) => {
          // 202: accepted. 400: never valid. Any other status may be temporary.
          if (answer.status < 401) keys.map((key) => (store[key] = now + 3e5));
        },
        () => {},
      );
  };

  // ---- The current article, and when a reader sees it -------------------------------------------

  let current;

  // Polls once per second instead of listening: an app that changes its URL updates its head some
  // time later, each in its own way, and the tracker need not replace history functions.
  let see = () => {
    // Prerendering ends a moment after the page is shown; events before that have no reader.
    if (document.hidden || document.prerendering || document.readyState == "loading") return;
    if (Math.random() < 0.2) send(); // retry, at random, so that readers do not return all at once
    let article = data.article;
    if (article == null) {
      let element =
        document.querySelector("link[rel=canonical]") ||
        document.querySelector("[property='og:url']");
      let url = new URL(element ? element.href || element.content : location.pathname, location);
      article = url.pathname + url.search;
      try {
        article = decodeURI(article);
      } catch {} // not UTF-8: keep it as it is
      article =
        [...document.querySelectorAll("[property='og:type'],[type*='ld+']")].some((element) =>
          // og:type, or the first type in a block of JSON-LD: NewsArticle, BlogPosting.
          /^\W*\w*(article|blogp)/i.test(
            element.content || element.textContent.split("@type")[1],
          ),
        ) && article.slice(-128);
    }
    if (article != current) send(data.type || "view", (current = article));
  };

  // A page restored from the back-forward cache counts as loaded again. On a loaded page, a like must
  // not wait for the next poll to know the article.
  addEventListener("pageshow", (event) => see(event.persisted && (current = 0)));

  // ---- API for pages ----------------------------------------------------------------------------

  let api = (window.mostread = {
    view: (article) => see((data.article = article)),
    like: (article = current) => send("like", article),
    comment: (article = current) => send("comment", article),
    push: ([type, article]) => api[type](article),
  });
  setInterval(see, 1e3);
  see();
  early?.map?.(api.push); // calls made before the script loaded
})();
