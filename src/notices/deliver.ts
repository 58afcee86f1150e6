/** Sending notices: to all targets side by side, to one target in their order, in a few seconds altogether. */
import { messageOf as messageOfError, PhoenixError } from "../errors.ts";
import type { HttpRequest, HttpResponse } from "../hosts/network.ts";
import type { Notice, NoticeTarget } from "../notice.ts";
import { type Mail, mailOf, requestOf } from "./requests.ts";

/** How notices leave. */
export interface Outlet {
  /** One request, over HTTPS with the roots of the system and of the site. @throws Error with the reason, without the URL */
  request(request: HttpRequest): Promise<HttpResponse>;
  /** Hands a mail to the hypervisor's sendmail. @throws PhoenixError */
  mail(mail: Mail, timeoutMs: number): Promise<void>;
}

export interface Letter {
  readonly target: NoticeTarget;
  readonly notice: Notice;
}

export interface Delivery extends Letter {
  /** Why it did not arrive. It holds neither URL nor token. */
  readonly failure?: string;
  /** The status of the answer; absent for mail, and where none came. */
  readonly status?: number;
  readonly durationMs: number;
}

/** For everything together. Milliseconds. */
const budgetMs = 6_000;
/** For one of them. */
const letterMs = 4_000;

/** Never fails: what does not arrive says why. */
export async function deliver(
  letters: readonly Letter[],
  outlet: Outlet,
  withinMs = budgetMs,
): Promise<readonly Delivery[]> {
  const deadline = performance.now() + withinMs;
  const targets = [...new Set(letters.map(({ target }) => target))];
  const sent = await Promise.all(
    targets.map(async (target) => {
      const deliveries: Delivery[] = [];
      for (const letter of letters.filter((each) => each.target === target))
        deliveries.push(await deliverOne(letter, outlet, deadline));
      return deliveries;
    }),
  );
  const all = sent.flat();
  return letters.flatMap(
    ({ target, notice }) => all.find((each) => each.target === target && each.notice === notice) ?? [],
  );
}

async function deliverOne(letter: Letter, outlet: Outlet, deadline: number): Promise<Delivery> {
  const started = performance.now();
  const ended = (more: Pick<Delivery, "failure" | "status">): Delivery => ({
    ...letter,
    ...more,
    durationMs: Math.round(performance.now() - started),
  });
  const leftMs = (): number => Math.min(letterMs, Math.floor(deadline - performance.now()));
  const request = requestOf(letter.target, letter.notice);
  if (leftMs() < 1) return ended({ failure: "the time for notices was up" });
  try {
    if (request === undefined) {
      await outlet.mail(mailOf(letter.target, letter.notice), leftMs());
      return ended({});
    }
    let answer = await outlet.request({ ...request, timeoutMs: leftMs() });
    const waitMs = retryAfter(answer);
    if (waitMs !== undefined && waitMs < leftMs()) {
      await new Promise((resolve) => setTimeout(resolve, waitMs));
      answer = await outlet.request({ ...request, timeoutMs: Math.max(1, leftMs()) });
    }
    const { status } = answer;
    return ended(status >= 200 && status < 300 ? { status } : { status, failure: refusal(status) });
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return ended({ failure: error instanceof PhoenixError ? error.message : messageOfError(error) });
  }
}

/** How long a server that has too much to do wants us to wait. Milliseconds. */
function retryAfter({ status, headers }: HttpResponse): number | undefined {
  if (status !== 429) return undefined;
  const seconds = Number(headers["retry-after"] ?? Number.NaN);
  return Number.isFinite(seconds) && seconds >= 0 ? Math.ceil(seconds * 1_000) : undefined;
}

function refusal(status: number): string {
  const reasons: Readonly<Record<number, string>> = {
    401: "check its token",
    403: "check its token, and what it may do",
    404: "check its URL",
    410: "its webhook was deleted",
    429: "it wants fewer requests",
  };
  const reason = status >= 300 && status < 400 ? "its URL has moved" : reasons[status];
  return reason === undefined ? `it answers ${status}` : `it answers ${status}: ${reason}`;
}
