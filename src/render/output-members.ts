/** What the documents of `--output` have in common. */
import { componentNames } from "../components/index.ts";
import { about, choice, integer, number, string } from "./schema.ts";

export const componentName = choice(...componentNames);
export const exitCode = about("The exit code of the process.", integer);
export const durationMs = number;
export const hostName = about('"pve", "lxc/102", "vm/1001".', string);
