// Builds dist/ from src/ and from the tracker that the collector serves.
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";

const here = (path) => new URL(path, import.meta.url);
const source = here("../../services/mostread/collector/static/tracker.js");

rmSync(here("dist"), { recursive: true, force: true });
mkdirSync(here("dist"));
cpSync(here("src"), here("dist"), { recursive: true });
cpSync(here("../../LICENSE"), here("dist/LICENSE"));
// `make tracker` replaces SMALL likewise.
writeFileSync(here("dist/tracker.js"), readFileSync(source, "utf8").replaceAll("SMALL", "false"));
