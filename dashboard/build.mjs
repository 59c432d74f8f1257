// Builds the dashboard into the Python package: hashed names, compressed twins, the licences of what is bundled.
//
//   node build.mjs            what is shipped, into wampd/router/http/dashboard/assets
//   node build.mjs --tests    the tests of tests/, into build/dashboard-tests
//   … --out DIR               into another folder

import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import esbuild from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const common = { bundle: true, format: "esm", target: "es2022", jsx: "automatic", jsxImportSource: "preact", absWorkingDir: here };

const asked = process.argv.indexOf("--out");
const outOr = (...usual) => (asked < 0 ? join(here, "..", ...usual) : process.argv[asked + 1]);

if (process.argv.includes("--tests")) {
  const outdir = outOr("build", "dashboard-tests");
  rmSync(outdir, { recursive: true, force: true });
  const entryPoints = readdirSync(join(here, "tests")).filter((name) => name.endsWith(".test.ts")).map((name) => `tests/${name}`);
  await esbuild.build({ ...common, entryPoints, outdir, outExtension: { ".js": ".mjs" }, platform: "node" });
} else {
  await build(outOr("wampd", "router", "http", "dashboard", "assets"));
}

async function build(out) {
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  const built = await esbuild.build({
    ...common,
    entryPoints: { app: "src/main.tsx", style: "src/style.css" },
    outdir: out,
    entryNames: "[name]-[hash]",
    minify: true,
    metafile: true,
    legalComments: "none",
    write: false,
  });
  const files = new Map(built.outputFiles.map(({ path, contents }) => [path.slice(out.length + 1), Buffer.from(contents)]));
  const icon = readFileSync(join(here, "src", "icon.svg"));
  files.set(`icon-${hash(icon)}.svg`, icon);
  const named = (start) => [...files.keys()].find((name) => name.startsWith(start));
  const page = readFileSync(join(here, "src", "index.html"), "utf8")
    .replace("APP", named("app-")).replace("STYLE", named("style-")).replace("ICON", named("icon-"));
  files.set("index.html", Buffer.from(page));
  for (const [name, content] of files) {
    writeFileSync(join(out, name), content);
    writeFileSync(join(out, `${name}.br`), brotliCompressSync(content, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }));
    writeFileSync(join(out, `${name}.gz`), gzipSync(content, { level: 9 }));
  }
  writeFileSync(join(out, "LICENSES.txt"), licences(built.metafile));
}

function hash(content) {
  return createHash("sha256").update(content).digest("hex").slice(0, 8).toUpperCase();
}

function licences(metafile) {
  const bundled = Object.keys(metafile.inputs).map((path) => /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1]);
  return [...new Set(bundled)].filter(Boolean).sort().map((name) => {
    const folder = join(here, "node_modules", name);
    const { version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    return `${name} ${version} (${license})\n\n${readFileSync(join(folder, "LICENSE"), "utf8").trim()}\n`;
  }).join(`\n${"-".repeat(80)}\n\n`);
}
