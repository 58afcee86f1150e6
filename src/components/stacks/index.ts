/** Stacks: compose projects on the site's virtual machines, deployed through Portainer. */
import type { Component } from "../../component.ts";
import { readForeign } from "../foreign/read.ts";
import { apply } from "./apply.ts";
import { compile } from "./compile.ts";
import { hazards } from "./hazards.ts";
import { impact } from "./impact.ts";
import { read } from "./live.ts";
import { readRunning } from "./running.ts";
import { verify } from "./verify.ts";

export const stacks: Component = {
  name: "stacks",
  after: ["portainer"],
  independent: true,
  compile,
  impact,
  read,
  hazards,
  readForeign,
  readRunning,
  apply,
  verify,
};
