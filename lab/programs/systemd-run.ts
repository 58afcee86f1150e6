/** systemd-run: a command now, or a transient timer. Texts as of systemd 257. */
import { done, failed, type Program } from "../parts.ts";
import { armTimer, isTimer } from "../timers.ts";

/** Long options whose value is the next word when it is not joined by "=". */
const valued = [
  "--unit",
  "--on-active",
  "--property",
  "--description",
  "--slice",
  "--setenv",
  "--uid",
  "--gid",
  "-u",
  "-p",
  "-E",
];

export const systemdRun: Program = ({ context, host, args, stdin, effect }) => {
  const options = new Map<string, string>();
  let at = 0;
  for (; at < args.length; at += 1) {
    const arg = args[at] ?? "";
    if (arg === "--" || !arg.startsWith("-")) break;
    if (valued.includes(arg)) {
      at += 1;
      options.set(arg, args[at] ?? "");
    } else options.set(arg.split("=", 1)[0] ?? arg, arg.includes("=") ? arg.slice(arg.indexOf("=") + 1) : "");
  }
  const argv = args[at] === "--" ? args.slice(at + 1) : args.slice(at);
  const [program] = argv;
  if (program === undefined) return failed(1, "Command line to execute required.");
  const unit = (options.get("--unit") ?? options.get("-u") ?? "run-lab").replace(/\.(service|timer)$/, "");
  const after = options.get("--on-active");
  if (after === undefined) return context.run(host, { argv, stdin, effect });
  const delayMs = spanMs(after);
  if (delayMs === undefined) return failed(1, "Failed to parse timer: Invalid argument");
  if (isTimer(context, host, `${unit}.timer`)) {
    return failed(
      1,
      `Failed to start transient timer unit: Unit ${unit}.timer was already loaded or has a fragment file.`,
    );
  }
  armTimer(context, { host, unit, dueMs: context.clock.now() + delayMs, argv });
  return done("", `Running timer as unit: ${unit}.timer\nWill run service as unit: ${unit}.service\n`);
};

/** A time span of systemd.time(7): "90", "90s", "2min", "1min 30s". Milliseconds. */
function spanMs(text: string): number | undefined {
  const factors: Readonly<Record<string, number>> = {
    "": 1000,
    ms: 1,
    s: 1000,
    sec: 1000,
    second: 1000,
    seconds: 1000,
    m: 60_000,
    min: 60_000,
    minute: 60_000,
    minutes: 60_000,
    h: 3_600_000,
    hour: 3_600_000,
    hours: 3_600_000,
  };
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)\s*([a-z]*)\s*/g)];
  if (parts.length === 0 || parts.map(([whole]) => whole).join("") !== text) return undefined;
  const spans = parts.map(([, number, unit = ""]) => Number(number) * (factors[unit] ?? Number.NaN));
  const sum = spans.reduce((total, span) => total + span, 0);
  return Number.isNaN(sum) ? undefined : sum;
}
