/** Requests without any client of ours: HTTPS, no trust, no kept connections. */
import { Agent, request } from "node:https";

export interface RawAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: answers are looked at member by member
  readonly body: any;
}

export interface RawRequest {
  readonly headers?: Readonly<Record<string, string>>;
  /** An object is sent as JSON. */
  readonly body?: unknown;
  readonly form?: Readonly<Record<string, string>>;
}

export function rawHttp(base: string) {
  const { hostname: host, port } = new URL(base);
  return (method: string, path: string, { headers = {}, body, form }: RawRequest = {}): Promise<RawAnswer> =>
    new Promise((resolve, reject) => {
      const content = form === undefined ? contentOf(body) : multipart(form);
      const type = form === undefined ? "application/json" : "multipart/form-data; boundary=cut";
      const sent = request(
        {
          host,
          port,
          method,
          path,
          rejectUnauthorized: false,
          agent: new Agent({ keepAlive: false }),
          headers: {
            ...(content === undefined
              ? {}
              : { "content-type": type, "content-length": String(Buffer.byteLength(content)) }),
            ...headers,
          },
        },
        (response) => {
          const chunks: Buffer[] = [];
          response.on("data", (chunk: Buffer) => chunks.push(chunk));
          response.on("error", reject);
          response.on("end", () => {
            const text = Buffer.concat(chunks).toString();
            const named = Object.entries(response.headers).map(([name, value]) => [name, String(value)]);
            resolve({
              status: response.statusCode ?? 0,
              headers: Object.fromEntries(named),
              text,
              body: parsed(text),
            });
          });
        },
      );
      sent.on("error", reject);
      sent.end(content);
    });
}

function contentOf(body: unknown): string | undefined {
  return body === undefined || typeof body === "string" ? body : JSON.stringify(body);
}

function multipart(form: Readonly<Record<string, string>>): string {
  const parts = Object.entries(form).map(
    ([name, value]) => `--cut\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
  );
  return `${parts.join("")}--cut--\r\n`;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
