/** What happens during a run, as a stream. The terminal, the run log and JSON output are folds over it. */
import type { Activation, Check, ComponentName, Outcome } from "./component.ts";
import type { ResourceId } from "./resource.ts";

export type Event =
  | {
      readonly type: "run-started";
      readonly command: string;
      readonly components: readonly ComponentName[];
      /** Of these, those that each waits for. */
      readonly after?: readonly {
        readonly component: ComponentName;
        readonly waitsFor: readonly ComponentName[];
      }[];
    }
  | ({ readonly component: ComponentName } & ComponentEvent);

type ComponentEvent =
  | {
      readonly type: "component-started";
      readonly phase: "read" | "apply" | "verify";
      /** How many changes are to be made, before the first is. */
      readonly changes?: number;
    }
  | { readonly type: "waiting"; readonly for: string; readonly untilMs: number }
  | { readonly type: "change-applied"; readonly verb: string; readonly id: ResourceId }
  | { readonly type: "activated"; readonly activation: Activation }
  | {
      readonly type: "check-finished";
      readonly check: Check;
      /** The components that a waiting check waits for. */
      readonly waitsFor?: readonly ComponentName[];
    }
  | { readonly type: "note"; readonly text: string }
  | {
      readonly type: "component-finished";
      readonly outcome: Outcome;
      readonly reason?: string;
      readonly durationMs: number;
    };

export type Emit = (event: Event) => void;
