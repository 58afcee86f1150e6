/** Certificates: the manifest's pairs, issued by the site's CA, renewed in time, and served. */
import type { Component } from "../../component.ts";
import { subjectOf } from "../../resource.ts";
import { activate } from "./activate.ts";
import { apply } from "./apply.ts";
import { certificateOf, compile } from "./compile.ts";
import { impact } from "./impact.ts";
import { readPairs } from "./read.ts";
import { verify } from "./verify.ts";

export const certificates: Component = {
  name: "certificates",
  after: ["trust"],
  independent: true,
  findsDeclaredOnly: true,
  compile,

  impact,
  async read(io) {
    return (await readPairs(io, io.site.certificates)).map(({ resource }) => resource);
  },

  async apply(change, io) {
    const certificate = certificateOf(io.site, subjectOf(change).id);
    if (certificate !== undefined) await apply(change, certificate, io);
  },

  async activate(touched, io) {
    const concerned = touched.flatMap((id) => certificateOf(io.site, id) ?? []);
    await activate(concerned, io);
  },

  verify,
};
