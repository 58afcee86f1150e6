/** Decorators of a world: read-only access, traces, limits, counts. Each wraps every host's `Exec` and the network. */
import { messageOf } from "../errors.ts";
import type { HostName } from "../resource.ts";
import type { Command, Exec } from "./host.ts";
import type { HttpRequest, Network } from "./network.ts";
import { scriptOf } from "./script.ts";
import type { Decorator } from "./world.ts";

/** Hosts and a network that cannot be changed. An attempt is a bug: planning never changes anything. */
export const readOnly: Decorator = counted((what) => {
  throw new Error(`a read-only run tried to change something: ${what}`);
});

/** The same network with another `request`. */
export function withRequest(network: Network, request: Network["request"]): Network {
  return {
    route: (to) => network.route(to),
    query: (server, name, type) => network.query(server, name, type),
    connect: (address, port, timeoutMs) => network.connect(address, port, timeoutMs),
    handshake: (address, port, options) => network.handshake(address, port, options),
    request,
  };
}

/** One command, request or DNS query. */
export interface Step {
  readonly host: HostName | "network";
  /** Never standard input or a body. */
  readonly what: string;
  readonly effect: "read" | "change";
}

/** A step after it ended. */
export interface Trace extends Step {
  /** "exit 0", "200", "refused", or an error's message. */
  readonly result: string;
  readonly durationMs: number;
}

/** Reports every step to `sink` when it ends. */
export function traced(sink: (trace: Trace) => void): Decorator {
  return watched((step) => {
    const started = performance.now();
    return (result) => sink({ ...step, result, durationMs: Math.round(performance.now() - started) });
  });
}

/** Keeps the steps that have started and not ended in `unfinished`. */
export function tracked(unfinished: Set<Step>): Decorator {
  return watched((step) => {
    unfinished.add(step);
    return () => unfinished.delete(step);
  });
}

/** Calls `begin` before every step, and what it returns when the step ends. */
function watched(begin: (step: Step) => (result: string) => void): Decorator {
  const watch = async <T>(
    step: Step,
    action: () => Promise<T>,
    resultOf: (value: T) => string,
  ): Promise<T> => {
    const end = begin(step);
    try {
      const value = await action();
      end(resultOf(value));
      return value;
    } catch (error) {
      end(messageOf(error));
      throw error;
    }
  };
  const read = (what: string) => ({ host: "network" as const, what, effect: "read" as const });
  return {
    exec: (exec, host) => (command) =>
      watch(
        { host, what: describeCommand(command), effect: command.effect },
        () => exec(command),
        ({ exitCode }) => `exit ${exitCode}`,
      ),
    network: (network) => ({
      route: (to) => network.route(to),
      query: (server, name, type) =>
        watch(
          read(`DNS ${server} ${name} ${type}`),
          () => network.query(server, name, type),
          ({ rcode, answers }) => [rcode, ...answers].join(" "),
        ),
      connect: (address, port, timeoutMs) =>
        watch(
          read(`connect ${address}:${port}`),
          () => network.connect(address, port, timeoutMs),
          (result) => (result.ok ? "connected" : result.reason),
        ),
      handshake: (address, port, options) =>
        watch(
          read(`TLS ${address}:${port} ${options.servername}`),
          () => network.handshake(address, port, options),
          (result) => (result.ok ? `serial ${result.serial}` : result.reason),
        ),
      request: (request) =>
        watch(
          { host: "network", what: describeRequest(request), effect: request.effect },
          () => network.request(request),
          ({ status }) => String(status),
        ),
    }),
  };
}

/** Calls `onEffect` with each change before it is made. What it throws is thrown instead of making the change. */
export function counted(onEffect: (what: string) => void | Promise<void>): Decorator {
  return {
    exec: (exec, name) => async (command) => {
      if (command.effect === "change") await onEffect(`${describeCommand(command)} on ${name}`);
      return exec(command);
    },
    network: (network) =>
      withRequest(network, async (request) => {
        if (request.effect === "change") await onEffect(describeRequest(request));
        return network.request(request);
      }),
  };
}

/** "nginx -t", "script read-files /etc/hosts". */
function describeCommand({ argv }: Pick<Command, "argv">): string {
  const script = scriptOf(argv);
  return (script === undefined ? argv : ["script", script.name, ...script.parameters]).join(" ");
}

/** "POST https://10.0.0.111:9443/api/stacks": without the query, which may contain secrets. */
export function describeRequest({ method, url }: Pick<HttpRequest, "method" | "url">): string {
  return `${method} ${url.split("?", 1)[0]}`;
}

/** `exec` within all decorators; the last one is the outermost. */
export function decorated(exec: Exec, name: HostName, decorators: readonly Decorator[]): Exec {
  return decorators.reduce((inner, decorator) => decorator.exec(inner, name), exec);
}
