import type { Elements } from "./index.js";

declare module "react" {
  namespace JSX {
    interface IntrinsicElements extends Elements {}
  }
}
