/** Settings of `track`, named like the `data-*` attributes of the tracker's tag. */
export interface TrackSettings {
  /** Address of the collector, such as https://collect.example. */
  collector: string;
  /** Site of the articles; "default" without it. */
  site?: string;
  /** Article of the page; detected from its metadata without it. */
  article?: string;
  /** Type of the events counted for the page. */
  type?: "view" | "comment" | "like";
  /** Print to the console what counts, and why something does not. */
  debug?: boolean;
  /** Count nothing for readers who object by DNT or GPC. */
  dnt?: boolean;
  /** Count at localhost. */
  localhost?: boolean;
  /** Count browsers under automation. */
  automation?: boolean;
  /** Count pages within frames. */
  iframe?: boolean;
}

/** Start the tracker; does nothing on a server or where it runs already. */
export function track(settings: TrackSettings): void;

/** Load the custom elements of a ranking service; does nothing on a server. */
export function loadElements(service: string): void;

/** Count a view of an article that an app shows; waits until the tracker has started. */
export function view(article: string): void;

/** Count a like of an article, by default the current one. */
export function like(article?: string): void;

/** Count a comment on an article, by default the current one. */
export function comment(article?: string): void;

/** An argument of `push`. */
export type Call = ["view", article: string] | ["comment" | "like", article?: string];

/** `window.mostread`: only `push` exists before the tracker has started. */
export interface Mostread {
  push(call: Call): void;
  view?(article: string): void;
  comment?(article?: string): void;
  like?(article?: string): void;
}

interface ElementAttributes {
  [name: `data-${string}`]: unknown;
  children?: unknown;
  class?: string;
  hidden?: boolean;
  id?: string;
  key?: string | number | bigint | null;
  lang?: string;
  ref?: any;
  /** Address of the ranking service; by default that of the script. */
  src?: string;
  site?: string;
  /** Seconds between requests for new numbers. */
  refresh?: number | string;
  words?: string;
}

/** Windows of lists and counts. */
export type CountWindow = "1h" | "6h" | "24h" | "7d" | "30d" | "all" | "today" | "yesterday" | "week" | "last_week" | "month" | "last_month";

/** Attributes of `<most-read>`. */
export interface MostReadAttributes extends ElementAttributes {
  window?: CountWindow;
  by?: "views" | "comments" | "likes" | "score" | "trending";
  limit?: number | string;
  offset?: number | string;
  section?: string;
  language?: string;
  author?: string;
  tag?: string;
  exclude?: string;
  "published-within"?: string;
  "half-life"?: string;
  tz?: string;
  counts?: true | "" | "total";
  images?: true | "" | `${number}x${number}`;
  dates?: true | "";
  label?: string;
}

/** Attributes of `<most-read-count>`. */
export interface MostReadCountAttributes extends ElementAttributes {
  article: string;
  what?: "views" | "comments" | "likes";
  window?: CountWindow;
  tz?: string;
}

/** Attributes of `<most-read-like>`. */
export interface MostReadLikeAttributes extends ElementAttributes {
  article: string;
  collector?: string;
  label?: string;
}

/** The custom elements by name, for JSX. */
export interface Elements {
  "most-read": MostReadAttributes;
  "most-read-count": MostReadCountAttributes;
  "most-read-like": MostReadLikeAttributes;
}

declare global {
  interface Window {
    mostread?: Mostread;
  }
}
