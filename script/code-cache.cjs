// Loaded before dist/main.js by the build: writes what V8 compiled in this run beside each file, for later runs to load.
const { writeFileSync } = require("node:fs");
const vm = require("node:vm");

const { Script } = vm;
vm.Script = class extends Script {
  constructor(source, options) {
    super(source, options);
    process.once("exit", () =>
      writeFileSync(`${options.filename}.${process.version}-${process.arch}.cache`, this.createCachedData()),
    );
  }
};
