/** Every generated line has an answer: which unit it belongs to, which lines of the site decide it, or why it is always there. */
import { basename } from "node:path";
import { describe, expect, test } from "vitest";
import { placeOf } from "../../src/why/effects.ts";
import { answerTo } from "../../src/why/index.ts";
import { contextFor, sites } from "./sites.ts";

describe.each(sites.map((site) => [basename(site), site] as const))("%s", (_, directory) => {
  test("each unit of each resource has a reason, and each place in it is in the site", async () => {
    const { explained, places } = await contextFor(directory);
    const wrong: string[] = [];
    for (const { resource, units, texts, why } of explained) {
      for (const unit of Object.keys(resource.units))
        if (!units.has(unit)) wrong.push(`${resource.id} ${unit}: no reason`);
      const reasons = [why, ...units.values(), ...texts.flatMap(({ lines }) => lines)];
      for (const origin of reasons.flatMap(({ origins }) => origins)) {
        const lines = places.lines(origin.at.file);
        // A file that containers mount may hold secrets: its text is not kept.
        if (lines !== undefined && lines[origin.at.line - 1] === undefined)
          wrong.push(`${resource.id}: ${JSON.stringify(origin)}`);
        if (origin.keys !== undefined && origin.optional !== true && !places.has(origin.at))
          wrong.push(`${resource.id}: no entry at ${JSON.stringify(origin)}`);
      }
    }
    expect([...new Set(wrong)]).toEqual([]);
  });

  test("each line of each generated text is answered", async () => {
    const context = await contextFor(directory);
    const silent: string[] = [];
    let asked = 0;
    for (const { resource, texts } of context.explained)
      for (const text of texts) {
        const written = text.text.split("\n");
        const count = written.length - (written.at(-1) === "" ? 1 : 0);
        if (text.lines.length !== count)
          silent.push(`${resource.id} ${text.path}: ${text.lines.length} of ${count} lines`);
        for (let line = 1; line <= count; line += 1) {
          asked += 1;
          const name = text.path === undefined ? resource.id : placeOf(text);
          const { senses } = answerTo(context, `${name}:${line}`);
          const sense = senses.find(({ title }) => title.includes(resource.id) || title.includes(name));
          const says = sense !== undefined && sense.causes.length + sense.notes.length > 0;
          if (!says) silent.push(`${name}:${line} ${written[line - 1]}`);
        }
      }
    expect(silent).toEqual([]);
    expect(asked).toBeGreaterThan(0);
  });

  test("each line of the site's own files is answered", async () => {
    const context = await contextFor(directory);
    for (const file of context.places.files) {
      const lines = context.places.lines(file) ?? [];
      for (const [at, text] of lines.entries()) {
        if (at === lines.length - 1 && text === "") continue;
        const { senses } = answerTo(context, `${file}:${at + 1}`);
        expect(senses.length, `${file}:${at + 1}`).toBeGreaterThan(0);
      }
    }
  });
});
