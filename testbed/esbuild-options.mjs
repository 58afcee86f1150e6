// How the testbed's own programs, written in TypeScript, become single files that Node 20 runs.

/** @type {import("esbuild").BuildOptions} */
export const options = {
  outExtension: { ".js": ".mjs" },
  bundle: true,
  platform: "node",
  format: "esm",
  target: "node20",
  mainFields: ["module", "main"],
  // CommonJS dependencies call require() for Node's own modules.
  banner: {
    js: 'import{createRequire as __createRequire}from"node:module";const require=__createRequire(import.meta.url);',
  },
  logLevel: "warning",
};
