/** What of a Swarm's answers is the same each time: ids, times and indexes are not. */

/** A line of a case: METHOD PATH, perhaps a body; $ID and $INDEX are those of the last answer. */
export function parseCall(line, last) {
  const filled = line
    .replaceAll("$ID", last.ID ?? "")
    .replaceAll("$INDEX", String(last.Version?.Index ?? ""));
  const [, method, path, body] = /^(\S+) (\S+)(?: (\{.*\}))?$/.exec(filled);
  return { method, path, body };
}

/** @param stack what a stack is called this time; "rec" in the answer */
export function normal(answer, stack = "rec") {
  const text = JSON.stringify(answer)
    .replaceAll(new RegExp(`\\b${stack}(?=_|")`, "g"), "rec")
    .replace(/\b[a-z0-9]{25}\b/g, "ID")
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "TIME")
    .replace(/"Index":\d+/g, '"Index":0')
    .replace(/"(?:TrustRoot|CertIssuerSubject|CertIssuerPublicKey)":"[^"]*"/g, '"TLS":""')
    .replace(/26\.1\.5\+dfsg1/g, "26.1.5");
  return withoutMachine(JSON.parse(text));
}

/** What a machine has, and another has not. */
function withoutMachine(value) {
  if (Array.isArray(value)) return value.map(withoutMachine);
  if (typeof value !== "object" || value === null) return value;
  const { TLSInfo: _, Plugins: __, Resources, ...rest } = value;
  const kept = Object.entries(rest).map(([key, each]) => [key, withoutMachine(each)]);
  const isMachines = Resources?.NanoCPUs !== undefined;
  if (Resources !== undefined && !isMachines) kept.push(["Resources", withoutMachine(Resources)]);
  return Object.fromEntries(
    kept.map(([key, each]) =>
      key === "Addr" ? [key, String(each).replace(/^[\d.]+/, "ADDRESS")] : [key, each],
    ),
  );
}

/** Standard error without what the command says to everybody. */
export function withoutProgress(text) {
  return text
    .split("\n")
    .filter((line) => !/^(Since --detach=false|In a future release, --detach)/.test(line))
    .join("\n")
    .replace(/^time="[^"]*" /gm, "")
    .trim();
}
