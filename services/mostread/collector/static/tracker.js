// The tracker: counts views, likes and comments of a page's article. docs/how-to/events.md tells how
// it is used and what it keeps in the browser; it sets no cookie and knows no reader.
//
// What is served is tracker.min.js, which `make tracker` makes of this. It has to stay below
// 1,000 bytes after gzip, where a word said before is cheaper than a short new one: so it is `let`
// throughout, and long names, which the minifier shortens.
(() => {
  let script = document.currentScript;
  let data = script.dataset;
  let early = window.mostread;
  if (early?.like) return; // another tracker is on the page

  // ---- whether to count at all: attributes lift the first three and ask for the fourth ----------

  let off =
    (data.localhost == null && /^$|^127\.|::1|localhost$/.test(location.hostname)) ||
    (data.automation == null && navigator.webdriver) ||
    (data.iframe == null && top != self) ||
    (data.dnt != null && (navigator.doNotTrack == 1 || navigator.globalPrivacyControl));

  // ---- what is kept, so that nothing is lost and nothing counts twice ---------------------------

  // A record an event, not one list, so that tabs do not overwrite each other's. A record is the
  // event while it waits for an answer, and then the time until which it is known, less 25 minutes.
  let prefix = "mostread:";
  let store = {};
  let unkept = "view"; // what cannot be known again after a reload
  try {
    if (!off) {
      localStorage[prefix] = 0; // throws where nothing may be stored; the first send() removes it
      store = localStorage;
      unkept = "";
    }
  } catch {}

  // Sends all that waits, and first the event given, unless there is a record of it.
  let send = (type, article) => {
    let now = Date.now();
    let id = "" + now + Math.random();
    let keys = [];
    let events = [];
    // Of each article one view and one like in half an hour; comments are each their own.
    let added = prefix + (type == "comment" ? id : [type, data.site, article]);
    for (let key in { ...store, [added]: 0 })
      if (key.startsWith(prefix)) {
        let record = JSON.parse(store[key] || 0);
        // Sent after 25 minutes it might count twice, since ids are known for 30. The time may
        // also lie far ahead, where the reader's clock was set back.
        if (Math.abs(now - (record.timestamp || record)) > 15e5) {
          delete store[key];
          record = 0;
          if (key == added && article && !off) {
            record = {
              id: type == unkept ? undefined : id, // without one, the collector gives it
              type,
              site: data.site,
              article_id: "" + article,
              timestamp: now,
            };
            try {
              store[key] = JSON.stringify(record);
            } catch {} // the storage is full: it is sent once
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
        body: JSON.stringify(events), // text goes without a preflight
        keepalive: true, // it may outlive the page
      }).then(
        (answer) => {
          // 202, and 400: they can never be counted. Whatever else it is may pass.
          if (answer.status < 401) keys.map((key) => (store[key] = now + 3e5));
        },
        () => {},
      );
  };

  // ---- which article it is, and when it is seen -------------------------------------------------

  let current;

  // Looks once a second rather than listening: an app that changes its address changes its head
  // some time after, each in its own way, and nobody's history functions need to be replaced.
  let see = () => {
    // Prerendering goes on a moment after the page is shown: what is sent then is of no reader.
    if (document.hidden || document.prerendering || document.readyState == "loading") return;
    if (Math.random() < 0.2) send(); // again, at random, so that readers do not come all at once
    let article = data.article;
    if (article == null) {
      let element =
        document.querySelector("link[rel=canonical]") ||
        document.querySelector("[property='og:url']");
      let url = new URL(element ? element.href || element.content : location.pathname, location);
      article = url.pathname + url.search;
      try {
        article = decodeURI(article);
      } catch {} // not UTF-8: it stays as it is
      article =
        [...document.querySelectorAll("[property='og:type'],[type*='ld+']")].some((element) =>
          // og:type, or the first type that a block of JSON-LD names: NewsArticle, BlogPosting.
          /^\W*\w*(article|blogp)/i.test(
            element.content || element.textContent.split("@type")[1],
          ),
        ) && article.slice(-128);
    }
    if (article != current) send(data.type || "view", (current = article));
  };

  // Back from the back-forward cache it is as if the page was loaded again.
  addEventListener("pageshow", (event) => {
    if (event.persisted) current = 0;
  });

  // ---- what a page can call ---------------------------------------------------------------------

  let api = (window.mostread = {
    view: (article) => see((data.article = article)),
    like: (article = current) => send("like", article),
    comment: (article = current) => send("comment", article),
    push: ([type, article]) => api[type](article),
  });
  setInterval(see, 1e3);
  see();
  early?.map?.(api.push); // an array of what was called before
})();
