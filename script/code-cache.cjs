// Loaded before dist/main.js by the build: writes what V8 compiled in this run beside each file, for later runs to load. With
// `node --hash-seed=1 --single-threaded` it makes the same bytes each time; threads beside it would optimize more or less.
const { execFileSync } = require("node:child_process");
const { writeFileSync } = require("node:fs");
const { basename } = require("node:path");
const vm = require("node:vm");

const { Script } = vm;
/** Where compiled code has a hash of V8's flags: its fourth word (V8 11.3 to 14.6). */
const flagHashAt = 12;
vm.Script = class extends Script {
  constructor(source, { filename, ...options }) {
    // The directory that it is compiled in would become part of it.
    super(source, { ...options, filename: basename(filename) });
    process.once("exit", () => {
      const compiled = this.createCachedData();
      // V8 takes only code that was compiled under the flags of the process that loads it.
      const asked = `new vm.Script("").createCachedData().readUInt32LE(${flagHashAt})`;
      compiled.writeUInt32LE(Number(execFileSync(process.execPath, ["--print", asked])), flagHashAt);
      writeFileSync(`${filename}.${process.version}-${process.arch}.cache`, compiled);
    });
  }
};
