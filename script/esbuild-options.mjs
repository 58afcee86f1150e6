// How programs written in TypeScript become files that Node 20 runs: Phoenix itself, and the testbed's.

/** @type {import("esbuild").BuildOptions} */
export const options = {
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
