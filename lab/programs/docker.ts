/** The program `docker` on a lab host, over the lab's engine. It knows the commands that Phoenix gives, and says what the real one would. */
import type { LabProgram } from "../context.ts";
import { answering, type Cli, cliCall, fail, forEachName, lines, ok } from "../docker/cli.ts";
import { compose } from "../docker/cli-compose.ts";
import {
  containerInspection,
  image,
  images,
  inspect,
  network,
  ps,
  pull,
  volume,
} from "../docker/cli-objects.ts";
import { create, run } from "../docker/cli-run.ts";
import { parseOptions } from "../docker/command-options.ts";
import { formatted } from "../docker/go-template.ts";
import { swarmInfo } from "../docker/swarm/routes.ts";

/** The engine that the lab plays: Debian 13's. */
const engineVersion = "26.1.5";

export const docker: LabProgram = async (call) => {
  const [command = "", ...args] = call.args;
  const [wanted = "", ...rest] = command === "container" ? args : [command, ...args];
  const cli = command === "container" && wanted === "inspect" ? containerInspection : commands[wanted];
  if (cli === undefined)
    return fail(
      1,
      `docker: '${call.args.slice(0, 2).join(" ")}' is not a docker command.\nSee 'docker --help'`,
    );
  return answering(() => cli(cliCall(call, rest)));
};

/** Options of verbs that take names are seconds and signals: nothing waits here. */
const names = (args: readonly string[]): readonly string[] =>
  parseOptions(args, ["time,timeout,t", "signal,s", "force,f!", "volumes,v!", "link,l!"]).rest;

const commands: Readonly<Record<string, Cli>> = {
  compose,
  run,
  create,
  ps,
  ls: ps,
  inspect,
  volume,
  network,
  image,
  images,
  pull,

  start: ({ docker: engine, args }) => forEachName(names(args), (name) => engine.start(name)),
  stop: ({ docker: engine, args }) => forEachName(names(args), (name) => engine.stop(name)),
  kill: ({ docker: engine, args }) => forEachName(names(args), (name) => engine.stop(name)),
  rename: ({ docker: engine, args: [from = "", to = ""] }) =>
    answering(() => {
      engine.rename(from, to);
      return ok();
    }),
  update: ({ docker: engine, args }) => {
    const { values, rest, unknown } = parseOptions(args, ["restart"]);
    if (unknown !== undefined) return fail(125, unknown);
    const restart = values.get("restart")?.at(-1);
    return forEachName(rest, (name) => restart !== undefined && engine.setRestart(name, restart));
  },
  restart: ({ docker: engine, args }) => forEachName(names(args), (name) => engine.restart(name)),
  rm: ({ docker: engine, args }) => {
    const force = args.some((arg) => arg === "--force" || /^-\w*f/.test(arg));
    const result = forEachName(names(args), (name) => engine.remove(name, force));
    // With --force a container that is not there is a complaint, but no failure.
    return force ? { ...result, exitCode: 0 } : result;
  },

  logs: ({ docker: engine, args }) => {
    const { values, rest } = parseOptions(args, ["tail,n", "follow,f!", "timestamps,t!", "since", "until"]);
    const { log } = engine.container(rest[0] ?? "");
    const tail = Number(values.get("tail")?.at(-1) ?? log.length);
    return ok("", lines(tail === 0 ? [] : log.slice(-tail)));
  },

  version: ({ args }) => {
    const value = {
      Client: { Version: engineVersion },
      Server: { Version: engineVersion, ApiVersion: "1.45" },
    };
    const format = parseOptions(args, ["format,f"]).values.get("format")?.at(-1);
    if (format !== undefined) return ok(`${formatted(format, value)}\n`);
    return ok(
      `Client:\n Version:           ${engineVersion}\n\nServer:\n Engine:\n  Version:          ${engineVersion}\n`,
    );
  },

  info: ({ docker: engine, args }) => {
    const { containers, images: all } = engine.state;
    const value = {
      ServerVersion: engineVersion,
      Containers: containers.length,
      Images: all.length,
      Driver: "overlay2",
      HTTPProxy: "",
      HTTPSProxy: "",
      Swarm: swarmInfo(engine),
    };
    const format = parseOptions(args, ["format,f"]).values.get("format")?.at(-1);
    return ok(format === undefined ? `Server Version: ${engineVersion}\n` : `${formatted(format, value)}\n`);
  },
};
