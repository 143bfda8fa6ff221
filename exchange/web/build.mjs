// Builds the page into static/: `node build.mjs`. With --check it compares instead, and fails when static/ differs;
// with --tests it bundles the unit tests into dist-test/ for node's test runner.
import { createHash } from "node:crypto";
import { mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const COMMON = { bundle: true, format: "esm", target: "es2022", jsx: "automatic", jsxImportSource: "preact" };

const PAGES = [
  { page: "index.html", entry: "src/main.tsx", name: "app" },
  { page: "docs.html", entry: "src/docs.ts", name: "docs" },
  { page: "websocket.html", entry: "src/websocket.ts", name: "websocket" },
];
// Of these only a bundle is used, which has the licenses of what is inside beside it.
const BUNDLES = { "swagger-ui-dist": ["NOTICE", "swagger-ui-es-bundle.js.LICENSE.txt"] };
const NOT_BUNDLED = ["@scarf/scarf"]; // Swagger UI's counter of installations; its script is not run

async function buildTests() {
  const out = join(here, "dist-test");
  await rm(out, { recursive: true, force: true });
  const names = (await readdir(join(here, "test"))).filter((name) => name.endsWith(".test.ts"));
  await build({ ...COMMON, entryPoints: names.map((name) => join(here, "test", name)), outdir: out, platform: "node" });
}

const digest = (content) => createHash("sha256").update(content).digest("base64url").replace(/[-_]/g, "").slice(0, 10);

/** The bundle of one entry point under a name that changes with its content. */
async function bundle(entry, name) {
  const result = await build({
    ...COMMON,
    absWorkingDir: here,
    entryPoints: [entry],
    outdir: "static",
    minify: true,
    write: false,
    legalComments: "none", // LICENSES.txt has the licenses whole
    charset: "utf8",
    logLevel: "warning",
  });
  return result.outputFiles.map((file) => {
    const type = file.path.split(".").pop();
    return { type, name: `${name}-${digest(file.contents)}.${type}`, content: Buffer.from(file.contents) };
  });
}

/** The license texts of everything that is bundled. */
async function licenses() {
  const { dependencies } = JSON.parse(await readFile(join(here, "package.json"), "utf8"));
  const lock = JSON.parse(await readFile(join(here, "package-lock.json"), "utf8"));
  const shipped = Object.keys(lock.packages)
    .filter((path) => path.startsWith("node_modules/") && !lock.packages[path].dev)
    .map((path) => path.slice("node_modules/".length))
    .filter((name) => !NOT_BUNDLED.includes(name))
    .sort();
  const texts = [await readFile(join(here, "NOTICE"), "utf8")];
  for (const name of shipped) {
    const folder = join(here, "node_modules", name);
    const { version, license } = JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
    const file = (await readdir(folder)).find((found) => /^licen[cs]e/i.test(found));
    const found = [...(file ? [file] : []), ...(BUNDLES[name] ?? [])];
    const read = await Promise.all(found.map((file) => readFile(join(folder, file), "utf8")));
    const text = read.map((one) => one.trim()).join("\n\n") || `(license: ${license})`;
    texts.push(`${name} ${version}${name in dependencies ? "" : " (used by another package)"}\n\n${text}\n`);
  }
  return texts.join(`\n${"=".repeat(100)}\n\n`);
}

/** Every file of static/, by name. */
async function pages() {
  const files = new Map();
  const icon = await readFile(join(here, "src/icon.svg"));
  const iconName = `icon-${digest(icon)}.svg`;
  files.set(iconName, icon);
  for (const { page, entry, name } of PAGES) {
    let html = await readFile(join(here, "src", page), "utf8");
    for (const asset of await bundle(entry, name)) {
      files.set(asset.name, asset.content);
      html = html.replaceAll(`%${asset.type}%`, `/static/${asset.name}`);
    }
    files.set(page, Buffer.from(html.replaceAll("%icon%", `/static/${iconName}`)));
  }
  files.set("LICENSES.txt", Buffer.from(await licenses()));
  return files;
}

async function write(folder, files) {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  for (const [name, content] of files) await writeFile(join(folder, name), content);
}

async function check(folder, files) {
  const committed = new Set(await readdir(folder).catch(() => []));
  const wrong = [];
  for (const [name, content] of files) {
    if (!committed.delete(name)) wrong.push(`${name} is missing`);
    else if (!content.equals(await readFile(join(folder, name)))) wrong.push(`${name} differs`);
  }
  for (const name of committed) wrong.push(`${name} is not built any more`);
  if (wrong.length > 0) {
    console.error(`exchange/web/static is not what its sources build: ${wrong.join(", ")}. Run "make web" and commit.`);
    process.exit(1);
  }
}

if (process.argv.includes("--tests")) await buildTests();
else {
  const files = await pages();
  const folder = join(here, "static");
  if (process.argv.includes("--check")) await check(folder, files);
  else await write(folder, files);
  for (const [name, content] of files) console.log(`${String(content.length).padStart(8)} ${name}`);
}
