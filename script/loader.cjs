// The beginning of dist/main.js: runs the chunks that script/bundle.mjs packs into few files.
const { readFileSync } = require("node:fs");
const { join } = require("node:path");
const { Script } = require("node:vm");

/** By file, the chunks' functions by their ids. The bundler puts in START, the chunks of this file, and MAIN, the first. */
const packs = { "main.js": START };
const loaded = {};

/** `require` as the chunks know it: "product.js#12" is a chunk, everything else a module of Node. */
function load(id) {
  const at = id.indexOf("#");
  if (at < 0) return require(id);
  if (loaded[id] === undefined) {
    const file = id.slice(0, at);
    packs[file] ??= pack(file);
    loaded[id] = { exports: {} };
    packs[file][id](loaded[id], loaded[id].exports, load);
  }
  return loaded[id].exports;
}

/** Node ignores compiled code that another version of it made; an installation without any works as well. */
function pack(file) {
  let cachedData;
  try {
    cachedData = read(`${file}.${process.version}-${process.arch}.cache`);
  } catch {
    // Slower, and the same.
  }
  const filename = join(__dirname, file);
  return new Script(read(file).toString("latin1"), { filename, cachedData }).runInThisContext();
}

/** A file of dist/: beside this one, or inside of the single executable. The bundler puts in IN_EXECUTABLE. */
function read(file) {
  return IN_EXECUTABLE
    ? Buffer.from(require("node:sea").getRawAsset(file))
    : readFileSync(join(__dirname, file));
}

load("main.js#MAIN");
