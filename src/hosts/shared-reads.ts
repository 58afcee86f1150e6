/** One read for all who ask for the same at the same time: components side by side read the same files. */
import { withRequest } from "./decorators.ts";
import type { CommandResult } from "./host.ts";
import type { Decorator } from "./world.ts";

/**
 * A read under way answers everybody who asks for exactly the same on the same host meanwhile. Nothing is kept once it has
 * ended, and a read that began before a change answers nobody who asks after it: whoever changes something sees it.
 */
export function sharedReads(): Decorator {
  const underWay = new Map<string, Promise<CommandResult>>();
  const forgetDuring = async <T>(change: () => Promise<T>): Promise<T> => {
    underWay.clear();
    try {
      return await change();
    } finally {
      underWay.clear();
    }
  };
  return {
    exec: (exec, host) => async (command) => {
      if (command.effect === "change") return forgetDuring(() => exec(command));
      const key = JSON.stringify([host, command.argv, command.stdin, command.timeoutMs]);
      const known = underWay.get(key);
      if (known !== undefined) return known;
      const result = exec(command).finally(() => {
        if (underWay.get(key) === result) underWay.delete(key);
      });
      underWay.set(key, result);
      return result;
    },
    network: (network) =>
      withRequest(network, (request) =>
        request.effect === "change" ? forgetDuring(() => network.request(request)) : network.request(request),
      ),
  };
}
