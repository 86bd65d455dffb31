import run from "./tracker.js";

/** Counts the views of this page's article, and of those that an app shows later. */
export function track({ collector, ...settings }) {
  if (typeof window === "undefined" || window.mostread?.like) return;
  const dataset = {};
  for (const [name, value] of Object.entries(settings))
    if (value !== undefined && value !== false) dataset[name] = value === true ? "" : value;
  run({ src: new URL("page.full.js", slashed(collector)).href, dataset });
}

/** Loads the custom elements from a ranking service, once. */
export function loadElements(service) {
  if (typeof window === "undefined" || window.customElements.get("most-read")) return;
  const src = new URL("widget.js", slashed(service)).href;
  if ([...document.scripts].some((script) => script.src === src)) return;
  const script = document.createElement("script");
  script.src = src;
  document.head.append(script);
}

const call = (...words) => {
  if (typeof window !== "undefined") (window.mostread ??= []).push(words);
};
export const view = (article) => call("view", article);
export const like = (article) => call("like", article);
export const comment = (article) => call("comment", article);

const slashed = (address) => new URL(address.replace(/\/*$/, "/"), location.href);
