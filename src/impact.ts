/** What people and programs notice of changes, put together. Pure. */
import type { Impact } from "./component.ts";

/** Nobody notices anything. */
export const noImpact: Impact = {
  notices: [],
  added: [],
  activations: [],
  blinks: [],

  unknown: [],
};

export function mergedImpacts(impacts: readonly Impact[]): Impact {
  const activations = new Map(
    impacts.flatMap((impact) =>
      impact.activations.map((one) => [`${one.kind} ${one.unit} ${one.host}`, one]),
    ),
  );
  const all = (of: (impact: Impact) => readonly string[]): readonly string[] => [
    ...new Set(impacts.flatMap(of)),
  ];
  const starts = all((impact) => impact.starts ?? []);
  return {
    notices: all(({ notices }) => notices),
    added: all(({ added }) => added),
    activations: [...activations.values()],
    blinks: all(({ blinks }) => blinks),
    ...(starts.length === 0 ? {} : { starts }),
    unknown: all(({ unknown }) => unknown),
  };
}

/** Whether clients notice it: something is restarted, away for a moment, gone or moved, or nobody can tell. */
export function isDisruptive({ notices, activations, blinks, unknown }: Impact): boolean {
  const isRestarted = activations.some(({ kind }) => kind === "restart");
  return isRestarted || notices.length + blinks.length + unknown.length > 0;
}
