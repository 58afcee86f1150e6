/** The document of `phoenix trace`. */
import { durationMs, exitCode, hostName, sourceRef } from "./output-members.ts";
import { about, array, boolean, choice, integer, literal, object, optional, string } from "./schema.ts";

const hop = object({
  kind: choice("dns", "tcp", "tls", "gateway", "mesh", "backend", "container", "guest"),
  host: about("Where the hop is; of a name or a port, the machine that looks at it.", hostName),
  node: optional(about("The node of the cluster that has this guest.", string)),
  status: about(
    '"broken" stops requests. "degraded" lets them pass, and is not as declared. "affected" fails because of another hop. "unknown" could not be looked at.',
    choice("ok", "broken", "degraded", "affected", "unknown"),
  ),
  expected: string,
  seen: about("What was measured, in a few words.", string),
  declared: about("The line that declares what is expected.", sourceRef),
  cause: optional(about("What is wrong.", string)),
  details: optional(about("More about the cause: the rule that decides, the end of a log.", array(string))),
  hint: optional(about("What puts it right.", string)),
  durationMs,
});

export const traceDocument = object({
  format: literal("phoenix.trace/1"),
  site: string,
  world: string,
  asked: about("The name as it was asked for.", string),
  ways: about(
    "The ways to the name, hop by hop; several where several routers share it.",
    array(
      object({
        name: string,
        leadsTo: string,
        well: boolean,
        broken: optional(about("The hop to put right first: its index in `hops`.", integer)),
        hops: array(hop),
      }),
    ),
  ),
  durationMs,
  exitCode,
});
