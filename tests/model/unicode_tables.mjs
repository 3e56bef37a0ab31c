// Writes unicode_tables.txt beside itself: the case tables and the emoji sequences with joiners of one Unicode version,
// from npm's @unicode/unicode-<version>.
// Usage: npm install @unicode/unicode-18.0.0 && node unicode_tables.mjs 18.0.0 <folder of node_modules>
import { writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [version, modules] = process.argv.slice(2);
const root = `${modules}/@unicode/unicode-${version}`;
const load = async (path) => (await import(pathToFileURL(`${root}/${path}`).href)).default;
const hex = (point) => point.toString(16);

const mapping = async (name, paths) => {
  const merged = new Map();
  for (const path of paths) {
    for (const [from, to] of await load(`${path}/code-points.mjs`)) merged.set(from, [to].flat());
  }
  const changed = [...merged].filter(([from, to]) => to.length > 1 || to[0] !== from);
  const sorted = changed.sort((a, b) => a[0] - b[0]);
  return sorted.map(([from, to]) => `${name} ${hex(from)} ${to.map(hex).join(" ")}`);
};

const ranges = async (name, path) => {
  const points = [...(await load(`${path}/code-points.mjs`))].sort((a, b) => a - b);
  const found = [];
  for (const point of points) {
    const last = found.at(-1);
    if (last && last[1] === point - 1) last[1] = point;
    else found.push([point, point]);
  }
  return found.map(([first, last]) => `${name} ${hex(first)} ${hex(last)}`);
};

const sequences = async (name, path) =>
  [...(await load(`${path}/index.mjs`))].sort().map((one) => `${name} ${[...one].map((c) => hex(c.codePointAt(0))).join(" ")}`);

const lines = [
  `version ${version}`,
  ...(await mapping("fold", ["Case_Folding/C", "Case_Folding/F"])),
  ...(await mapping("lower", ["Simple_Case_Mapping/Lowercase", "Special_Casing/Lowercase"])),
  ...(await ranges("cased", "Binary_Property/Cased")),
  ...(await ranges("case_ignorable", "Binary_Property/Case_Ignorable")),
  ...(await ranges("white_space", "Binary_Property/White_Space")),
  ...(await sequences("joined_emoji", "Sequence_Property/RGI_Emoji_ZWJ_Sequence")),
];
writeFileSync(new URL("unicode_tables.txt", import.meta.url), lines.join("\n") + "\n");
