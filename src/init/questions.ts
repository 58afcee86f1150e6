/** The questions about a new site, for a terminal. Whatever was said on the command line is not asked. */
import { UsageError } from "../errors.ts";
import { type Answers, defaults, domainIn, guestIn, joined, partsIn, placedIn } from "./answers.ts";
import { candidatesFor, type DraftGuest, guestWords } from "./draft.ts";
import { defaultParts, type Part, partDefinitions, partNames, type Role } from "./parts.ts";

/** The person at the terminal. */
export interface Person {
  /** Shows a line. */
  say(line: string): void;
  /** Shows a question without a line end and returns the answer; undefined at the end of the input. */
  ask(question: string): Promise<string | undefined>;
}

/**
 * The answers with those to the questions that are still open.
 * @param found what the host says, offered as defaults
 * @returns undefined when the input ended before all were answered
 */
export async function asked(given: Answers, found: Answers, person: Person): Promise<Answers | undefined> {
  const domain =
    given.domain ??
    (await question(person, "Domain of your services", found.domain ?? defaults.domain, domainIn));
  if (domain === undefined) return undefined;
  const foundAddress = found.placed && `${found.placed.address}/${found.placed.prefix}`;
  const placed =
    given.placed ??
    (await question(
      person,
      "Address of the hypervisor with its prefix length, like 192.168.1.2/24",
      foundAddress,
      placedIn,
    ));
  if (placed === undefined) return undefined;
  const parts = given.parts ?? (await askParts(person));
  if (parts === undefined) return undefined;
  const known = joined(found, { ...given, domain, placed, parts });
  const guests =
    given.guests === undefined ? await askGuests(person, known.guests ?? []) : (known.guests ?? []);
  const roles = await askRoles(person, parts, guests, given.roles ?? new Map());
  return roles && { ...known, guests, roles };
}

/** Asks until the answer is valid; an empty one means the default. */
async function question<Value>(
  person: Person,
  text: string,
  preset: string | undefined,
  read: (answer: string) => Value,
): Promise<Value | undefined> {
  for (;;) {
    const answer = await person.ask(`${text}${preset ? ` [${preset}]` : ""}: `);
    if (answer === undefined) return undefined;
    try {
      return read(answer.trim() === "" && preset !== undefined ? preset : answer.trim());
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      person.say(`  ${error.message}${error.hint === undefined ? "" : `: ${error.hint}`}`);
    }
  }
}

async function askParts(person: Person): Promise<readonly Part[] | undefined> {
  const width = Math.max(...partNames.map((name) => name.length));
  person.say("What shall Phoenix take care of? More can be added later.");
  for (const name of partNames) {
    const { about, needs } = partDefinitions[name];
    person.say(`  ${name.padEnd(width)}  ${about}${needs.length === 0 ? "" : ` (with ${needs.join(", ")})`}`);
  }
  return question(person, "Parts, separated by commas", defaultParts.join(","), (answer) =>
    partsIn(answer.split(",")),
  );
}

/** The guests that were found, and those that are named one by one; the end of the input ends the list. */
async function askGuests(person: Person, found: readonly DraftGuest[]): Promise<readonly DraftGuest[]> {
  if (found.length > 0) {
    person.say("Guests on the host, which the site will have:");
    for (const { kind, id, name, address = "no fixed address" } of found)
      person.say(`  ${kind}/${id}  ${name}  ${address}`);
  }
  const guests = [...found];
  const more = found.length === 0 ? "A guest" : "Another guest";
  person.say(
    `${more} is written as ct ID:NAME:ADDRESS:PORT or vm ID:NAME:ADDRESS:PORT; the port of its service may be left out.`,
  );
  for (;;) {
    const guest = await question(person, "Guest, or nothing to end the list", "", answeredGuest);
    if (guest === undefined || guest === "end") return guests;
    guests.push(guest);
  }
}

/** Asks which guest has a role where several could have it. */
async function askRoles(
  person: Person,
  parts: readonly Part[],
  guests: readonly DraftGuest[],
  given: ReadonlyMap<Role, number>,
): Promise<ReadonlyMap<Role, number> | undefined> {
  const roles = new Map(given);
  for (const role of parts.flatMap((part) => partDefinitions[part].roles)) {
    const candidates = roles.has(role) ? [] : candidatesFor(role, guests);
    if (candidates.length < 2) continue;
    const words = `Id of the ${role}: ${guestWords(candidates)}`;
    const id = await question(person, words, String(candidates[0]?.id), (answer) => {
      if (candidates.some((guest) => String(guest.id) === answer)) return Number(answer);
      throw new UsageError(`"${answer}" is not one of them`);
    });
    if (id === undefined) return undefined;
    roles.set(role, id);
  }
  return roles;
}

function answeredGuest(answer: string): DraftGuest | "end" {
  if (answer === "") return "end";
  const [kind = "", words = "", ...more] = answer.split(/\s+/);
  if (!/^(?:ct|vm)$/.test(kind) || words === "" || more.length > 0)
    throw new UsageError(`"${answer}" is not a guest`, {
      hint: "write it like ct 120:media:192.168.1.20:8096",
    });
  return guestIn(kind === "ct" ? "lxc" : "vm", words, kind);
}
