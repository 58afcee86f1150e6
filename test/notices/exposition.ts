/** Reads Prometheus' text format by its specification, written apart from what writes it: anything that is not in it is an error. */

export interface Family {
  readonly help: string;
  readonly type: string;
  readonly samples: readonly { readonly labels: Readonly<Record<string, string>>; readonly value: number }[];
}

/** By metric name. @throws Error with the line that breaks a rule of the format or of node_exporter's textfile collector */
export function readExposition(text: string): ReadonlyMap<string, Family> {
  if (!text.endsWith("\n")) throw new Error("the last line does not end");
  const families = new Map<string, { help: string; type: string; samples: Family["samples"][number][] }>();
  const seen = new Set<string>();
  let current = "";
  for (const line of text.slice(0, -1).split("\n")) {
    const comment = /^# (HELP|TYPE) ([a-zA-Z_:][\w:]*) (.+)$/.exec(line);
    if (comment !== null) {
      const [, kind = "", name = "", rest = ""] = comment;
      if (kind === "HELP") {
        if (families.has(name)) throw new Error(`a second family: ${line}`);
        families.set(name, { help: rest, type: "", samples: [] });
        current = name;
      } else {
        const family = families.get(name);
        if (family === undefined || family.type !== "" || !/^(gauge|counter|untyped)$/.test(rest))
          throw new Error(`not a type: ${line}`);
        family.type = rest;
      }
      continue;
    }
    const sample = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/.exec(line);
    if (sample === null) throw new Error(`not a sample (a timestamp is refused): ${line}`);
    const [, name = "", labelText = "", number = ""] = sample;
    // "1e3", "NaN" and "+Inf" are numbers too; nothing of ours is one of the last two.
    const value = Number(number);
    if (!Number.isFinite(value)) throw new Error(`not a number: ${line}`);
    if (name !== current || families.get(name)?.type === "")
      throw new Error(`outside of its family: ${line}`);
    const series = line.slice(0, line.lastIndexOf(" "));
    if (seen.has(series)) throw new Error(`a second sample: ${line}`);
    seen.add(series);
    families.get(name)?.samples.push({ labels: readLabels(labelText), value });
  }
  return families;
}

function readLabels(text: string): Readonly<Record<string, string>> {
  const labels: Record<string, string> = {};
  let rest = text;
  while (rest !== "") {
    const label = /^([a-zA-Z_]\w*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)/.exec(rest);
    if (label === null) throw new Error(`not a label: ${rest}`);
    const [all, name = "", value = ""] = label;
    if (name in labels) throw new Error(`a second label: ${name}`);
    labels[name] = value.replace(/\\(["\\n])/g, (_, code) => (code === "n" ? "\n" : code));
    rest = rest.slice(all.length);
  }
  return labels;
}
