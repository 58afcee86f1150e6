/** The rules that look across the layers of a whole site; `phoenix check` applies all of them. */
import type { Site } from "../model.ts";
import type { Problem } from "../problem.ts";
import { unknownNodes } from "./declared-nodes.ts";
import { droppedPaths } from "./dropped-paths.ts";

export const rules: readonly ((site: Site) => readonly Problem[])[] = [droppedPaths];

/** What can be told only when the cluster is known: a session applies these before anything is touched. */
export const clusterRules: typeof rules = [unknownNodes];
