"""The npm package and its documented examples: types, a server, and a browser."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from tests.support.publisher import COLLECT, NEWS, Publisher
from tests.support.system import wait_until
from tests.support.tools import tool

ROOT = Path(__file__).parents[3]
PACKAGE = ROOT / "packages/tracker"
EXAMPLE = re.compile(r'^```tsx? title="([\w.]+)"\n(.*?)^```$', re.DOTALL | re.MULTILINE)
SETTINGS = f'collector="{COLLECT}" ranking="{COLLECT}"'
PROPS = f'{{ collector: "{COLLECT}", ranking: location.hash.slice(1), id: "vue-1", title: "Vue" }}'
MAIN = {
    "react-main.tsx": f"""
        import {{ useState }} from "react";
        import {{ createRoot }} from "react-dom/client";
        import {{ Article, Mostread }} from "./react.js";
        function App() {{
          const [page, show] = useState(1);
          return <><Mostread {SETTINGS} /><Article id={{`react-${{page}}`}} title="React" />
            <a onClick={{() => show(2)}}>next</a></>;
        }}
        createRoot(document.body).render(<App />);""",
    "vue-main.ts": f"""
        import {{ createApp }} from "vue";
        import {{ Article }} from "./vue.js";
        createApp(Article, {PROPS}).mount(document.body);""",
    "next-main.tsx": """
        import { hydrateRoot } from "react-dom/client";
        import Mostread from "./next.js";
        hydrateRoot(document.getElementById("app")!, <Mostread />);""",
    "wrong.tsx": """
        import type {} from "@mostread/tracker/react";
        // @ts-expect-error
        export const list = <most-read limits={5} />;
        // @ts-expect-error
        export const day = <most-read window="1d" />;
        export const full = <most-read window="24h" counts images="120x80" dates />;""",
    "server.tsx": f"""
        import {{ renderToString }} from "react-dom/server";
        import {{ comment, like, loadElements, track, view }} from "@mostread/tracker";
        import {{ Article, Mostread }} from "./react.js";
        import Next from "./next.js";
        track({{ collector: "{COLLECT}" }});
        loadElements("{COLLECT}");
        [view, like, comment].forEach((each) => each("a"));
        console.log(renderToString(
          <><Mostread {SETTINGS} /><Article id="a" title="On a server" /><Next /></>));""",
}
STRICT = {
    "strict": True,
    "skipLibCheck": True,
    "noEmit": True,
    "jsx": "react-jsx",
    "module": "nodenext",
    "target": "es2022",
    "lib": ["es2022", "dom", "dom.iterable"],
    "types": ["react", "react-dom"],
}


def run(directory: Path, *command: str) -> str:
    done = subprocess.run(
        command, cwd=directory, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An app with the packed package, the examples of the documentation, and their bundles."""
    npm, node = tool("npm"), tool("node")
    directory = tmp_path_factory.mktemp("app")
    # The lock file has versions and hashes; esbuild's install script would only check its program.
    run(PACKAGE, npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund")
    run(PACKAGE, npm, "pack", "--silent", "--pack-destination", str(directory))
    modules = directory / "node_modules"
    (modules / "@mostread/tracker").mkdir(parents=True)
    (archive,) = directory.glob("*.tgz")
    run(modules, "tar", "xzf", str(archive), "--strip=1", "-C", "@mostread/tracker")
    for each in (PACKAGE / "node_modules").iterdir():
        if not each.name.startswith("."):
            (modules / each.name).symlink_to(each)
    examples = dict(EXAMPLE.findall((ROOT / "docs/how-to/frameworks.md").read_text()))
    for name, text in (examples | MAIN).items():
        (directory / name).write_text(text)
    (directory / "package.json").write_text('{"type": "module"}')
    (directory / "tsconfig.json").write_text(json.dumps({"compilerOptions": STRICT}))
    esbuild = ["node_modules/esbuild/bin/esbuild", "--bundle", "--jsx=automatic", "--outdir=out"]
    run(directory, node, *esbuild, *(name for name in MAIN if "main" in name))
    run(directory, node, *esbuild, "--platform=node", "--format=cjs", "server.tsx")
    (directory / "out/package.json").write_text('{"type": "commonjs"}')
    return directory


def bundle(app: Path, name: str, body: str = "", head: str = "") -> str:
    script = (app / f"out/{name}-main.js").read_text().replace("</script", "<\\/script")
    return f"<!doctype html><head>{head}</head><body>{body}</body><script>{script}</script>"


def test_examples_compile_under_strict_and_a_wrong_attribute_does_not(app: Path) -> None:
    run(app, tool("node"), "node_modules/typescript/bin/tsc")


def test_package_does_nothing_on_a_server(app: Path) -> None:
    html = run(app, tool("node"), "out/server.js")
    assert "<h1>On a server</h1>" in html
    assert "<most-read" in html


def test_react_app_counts_its_articles_and_likes(publisher: Publisher, app: Path) -> None:
    publisher.newspaper.pages["/react"] = bundle(app, "react")
    tab = publisher.reader().new_page()
    tab.goto(f"{NEWS}/react")
    tab.click("button")
    tab.click("a")
    wait_until(lambda: tab.evaluate("localStorage.length") == 3, "both views are recorded")
    publisher.counts({"react-1": (1, 0, 1), "react-2": (1,)})


def test_vue_app_counts_its_article_and_likes_and_loads_the_elements(
    publisher: Publisher, app: Path
) -> None:
    publisher.newspaper.pages["/vue"] = bundle(app, "vue")
    tab = publisher.reader().new_page()
    tab.goto(f"{NEWS}/vue#{publisher.ranking.url}")
    tab.click("button")
    wait_until(lambda: tab.evaluate("!!customElements.get('most-read')"), "elements are loaded")
    publisher.counts({"vue-1": (1, 0, 1)})


def test_hydrated_page_of_next_counts_by_its_metadata(publisher: Publisher, app: Path) -> None:
    head = '<link rel="canonical" href="/next-1"><meta property="og:type" content="article">'
    publisher.newspaper.pages["/next"] = bundle(app, "next", '<div id="app"></div>', head)
    tab = publisher.reader().new_page()
    tab.goto(f"{NEWS}/next")
    wait_until(lambda: tab.evaluate("localStorage.length") == 1, "the view is recorded")
    publisher.counts({"/next-1": (1,)})
