/** The answer of `phoenix why` as a document. */
import type { ExitCode } from "../errors.ts";
import type { whyDocument as schema } from "./output-why.ts";
import type { Infer } from "./schema.ts";

type WhyDocument = Infer<typeof schema>;

/** What `phoenix why` found. */
export interface WhyFacts {
  readonly site: string;
  readonly answer: Pick<WhyDocument, "asked" | "senses" | "off">;
  readonly errors: number;
}

export function whyDocument({ site, answer, errors }: WhyFacts, exitCode: ExitCode): WhyDocument {
  return { format: "phoenix.why/1", site, ...answer, errors, exitCode };
}
