// Loaded before dist/main.js by the build, in `node --hash-seed=1`, which makes the same bytes each time: writes what V8 compiled
// in this run beside each file, for later runs to load.
const { writeFileSync } = require("node:fs");
const { basename } = require("node:path");
const { setFlagsFromString } = require("node:v8");
const vm = require("node:vm");

const { Script } = vm;
vm.Script = class extends Script {
  constructor(source, { filename, ...options }) {
    // The directory that it is compiled in would become part of it.
    super(source, { ...options, filename: basename(filename) });
    process.once("exit", () => {
      // V8 takes only code that was compiled under the flags of the process that loads it.
      setFlagsFromString("--hash-seed=0");
      writeFileSync(`${filename}.${process.version}-${process.arch}.cache`, this.createCachedData());
    });
  }
};
