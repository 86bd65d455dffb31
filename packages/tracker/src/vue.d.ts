import type { DefineComponent } from "vue";
import type { Elements } from "./index.js";

declare module "vue" {
  interface GlobalComponents {
    "most-read": DefineComponent<Elements["most-read"]>;
    "most-read-count": DefineComponent<Elements["most-read-count"]>;
    "most-read-like": DefineComponent<Elements["most-read-like"]>;
  }
}
