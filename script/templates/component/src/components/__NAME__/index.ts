/** __Name__: one file on the hypervisor. Say here what is ours, how it is recognized, and what is left alone. */
import { type Component, failed, passed } from "../../component.ts";
import type { Site } from "../../model.ts";
import { type Resource, subjectOf } from "../../resource.ts";

const id = "__NAME__/file";
const path = "/etc/phoenix/__NAME__.conf";

export const __name__: Component = {
  name: "__NAME__",
  after: [],

  compile: (site) => [fileResource(declared(site))],

  async read(io) {
    const file = (await io.host("pve").readFiles([path])).get(path);
    return file === undefined ? [] : [fileResource(file.text)];
  },

  async apply(change, io) {
    const host = io.host("pve");
    if (change.verb === "delete") return host.remove([path]);
    await host.writeFiles([{ path, text: subjectOf(change).text, mode: "644" }]);
  },

  /** From outside, as a client would: replace this by a question over `io.network`. */
  async verify(io) {
    const claim = `${path} names ${io.site.domain}`;
    const text = (await io.host("pve").readFiles([path])).get(path)?.text;
    if (text === declared(io.site)) return [passed(id, claim)];
    return [failed(id, claim, text ?? "the file does not exist")];
  },
};

function declared({ domain }: Site): string {
  return `# Written by phoenix.\ndomain ${domain}\n`;
}

/** Made by `compile` and by `read` alike: equal texts mean in sync. */
function fileResource(text: string): Resource {
  return { id, host: "pve", text, units: { domain: /^domain (.*)$/m.exec(text)?.[1] ?? "missing" } };
}
