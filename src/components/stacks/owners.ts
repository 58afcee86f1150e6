/** The teams and users that own a stack in Portainer, where the site says so; otherwise whoever owns it there stays. */
import type { Accounts, StackAccess } from "../../apis/portainer/index.ts";
import type { Io } from "../../component.ts";
import { CandidateError } from "../../errors.ts";
import type { Stack } from "../../model.ts";

/** "team family, user ann"; "administrators only" for nobody else. */
export function ownersWords(teams: readonly string[], users: readonly string[], everybody = false): string {
  const named = [...teams.map((name) => `team ${name}`), ...users.map((name) => `user ${name}`)].sort();
  if (everybody) named.unshift("everybody");
  return named.join(", ") || "administrators only";
}

/** Undefined where the site says nothing about them. */
export function declaredOwners({ owners }: Pick<Stack, "owners">): string | undefined {
  return owners && ownersWords(owners.teams, owners.users);
}

/** As they are in Portainer. */
export async function liveOwners(io: Io, { owners }: Stack, id: number): Promise<string | undefined> {
  if (owners === undefined) return undefined;
  const api = io.apis.portainer;
  const [accounts, { teams, users, everybody }] = await Promise.all([api.accounts(), api.stackAccess(id)]);
  const names = (known: Accounts["teams"], ids: readonly number[]): readonly string[] =>
    ids.map((each) => known.find((account) => account.id === each)?.name ?? `number ${each}, removed`);
  return ownersWords(names(accounts.teams, teams), names(accounts.users, users), everybody);
}

/** Portainer's numbers for the declared owners. @throws CandidateError for a name that Portainer does not know */
export async function accessOf(io: Io, { name: stack, owners }: Stack): Promise<StackAccess | undefined> {
  if (owners === undefined) return undefined;
  const accounts = await io.apis.portainer.accounts();
  const idsOf = (kind: "teams" | "users"): readonly number[] =>
    owners[kind].map((name) => {
      const found = accounts[kind].find((account) => account.name === name);
      if (found !== undefined) return found.id;
      const { file, line, column } = owners.from;
      const known = accounts[kind].map((account) => account.name).join(", ") || "none";
      const message = `Portainer has no ${kind.slice(0, -1)} ${JSON.stringify(name)}, which is to own stack ${stack} (${file}:${line}:${column})`;
      throw new CandidateError(message, { hint: `its ${kind}: ${known}` });
    });
  return { teams: idsOf("teams"), users: idsOf("users"), everybody: false };
}
