/** Builds the program once, before the tests that start it. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";

export async function setup(): Promise<void> {
  await promisify(execFile)(process.execPath, ["script/build.mjs"]);
}
