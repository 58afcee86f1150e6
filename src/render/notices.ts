/** How a test of the notices went, a line for each target. */
import { table } from "./layout.ts";
import type { NoticesDocument } from "./output-notices.ts";
import type { View } from "./view.ts";
import { count, duration, flat } from "./words.ts";

export function noticesLines(targets: NoticesDocument["targets"], view: View): readonly string[] {
  const rows = targets.map(({ name, type, arrived, failure, status, durationMs }) => [
    arrived ? "+" : "!",
    name,
    name === type ? "" : type,
    arrived ? (status === undefined ? "sent" : `sent (${status})`) : `not sent: ${flat(failure ?? "")}`,
    duration(durationMs),
  ]);
  const failed = targets.filter(({ arrived }) => !arrived).length;
  const sum = `${count(targets.length - failed, "test")} sent, ${failed} failed`;
  return [
    ...table(rows, [{}, {}, {}, { flexible: true as const }, { align: "right" as const }], view.width),
    "",
    sum,
  ];
}
