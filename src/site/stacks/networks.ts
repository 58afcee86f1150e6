/** External networks: Compose does not make them, and a deployment fails while one is not there. */
import type { Compose } from "../../formats/compose/index.ts";
import { didYouMean } from "../../formats/text/nearest.ts";
import type { Stack } from "../../model.ts";
import type { Cell } from "../text/cell.ts";
import type { Problems } from "../text/problems.ts";

/** Networks that every engine has. */
const predefined = ["bridge", "host", "none"];

/** A stack on a machine with what its files say of networks. */
interface NetworkUser {
  readonly stack: Stack;
  readonly compose: Compose;
  /** External networks that are somebody else's. */
  readonly foreignNetworks: readonly string[];
}

/** The external networks that phoenix.json declares, by Docker's names. */
export interface DeclaredNetworks {
  /** Created on the machine before the stack is deployed. */
  readonly created: readonly string[];
  /** Somebody else's. */
  readonly foreign: readonly string[];
}

/** Reads `networks` of phoenix.json; a network goes by its key in the Compose file, or by its name. */
export function readNetworks(cell: Cell | undefined, compose: Compose, problems: Problems): DeclaredNetworks {
  const external = compose.networks.filter((network) => network.external);
  const known = external.flatMap(({ key, name }) => [key, name]);
  for (const [key, value] of cell?.entries() ?? []) {
    const message = `unknown external network ${JSON.stringify(key)}: it is not in the Compose file`;
    if (!known.includes(key))
      problems.report("PHX0420", value.keyRef, message, { hint: didYouMean(key, known) });
  }
  const declaredAs = (word: string): readonly string[] =>
    external
      .filter(({ key, name }) => (cell?.get(key) ?? cell?.get(name))?.text === word)
      .map(({ name }) => name);
  return { created: declaredAs("create"), foreign: declaredAs("exists") };
}

/** Warns of external networks that no stack of their machine makes, and that phoenix.json does not declare. */
export function checkExternalNetworks(stacks: readonly NetworkUser[], problems: Problems): void {
  const known = new Set(
    stacks.flatMap(({ stack, compose, foreignNetworks }) => {
      const own = compose.networks.flatMap(({ name, external }) => (external ? [] : [name]));
      return [...own, ...stack.networks, ...foreignNetworks].map((name) => `${stack.guest.host} ${name}`);
    }),
  );
  for (const { stack, compose } of stacks)
    for (const { key, name, external, place } of compose.networks) {
      const { host } = stack.guest;
      if (!external || predefined.includes(name) || known.has(`${host} ${name}`)) continue;
      const message = `stack ${stack.name} needs the network ${name}, which must exist on ${host}`;
      const hint = `declare it in phoenix.json: "networks": {"${key}": "create"}, or "exists" where somebody else creates it`;
      problems.report("PHX0419", { file: stack.compose.file, ...place }, message, { hint });
    }
}

/** Stacks in their order, but those that make a network before those that use it as an external one. */
export function makersFirst<User extends NetworkUser>(stacks: readonly User[]): readonly User[] {
  const makers = new Map(
    stacks.flatMap((each) =>
      each.compose.networks
        .filter(({ external }) => !external)
        .map(({ name }) => [`${each.stack.guest.host} ${name}`, each] as const),
    ),
  );
  const ordered = new Set<User>();
  const put = (each: User, path: readonly User[]): void => {
    if (ordered.has(each) || path.includes(each)) return;
    for (const { name, external } of each.compose.networks) {
      const maker = external ? makers.get(`${each.stack.guest.host} ${name}`) : undefined;
      if (maker !== undefined) put(maker, [...path, each]);
    }
    ordered.add(each);
  };
  for (const each of stacks) put(each, []);
  return [...ordered];
}
