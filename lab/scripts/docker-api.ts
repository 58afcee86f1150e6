/** docker-api: a request to the machine's Docker engine. METHOD PATH, the JSON body as standard input; prints the status, then the body. */
import { engineResponse } from "../docker/http-api.ts";
import { LabDocker } from "../docker.ts";
import { done, failed, type Program } from "../parts.ts";
import { unitOn } from "../units.ts";

export const dockerApi: Program = async ({ context, host, args, stdin }) => {
  const [method = "GET", target = "/"] = args;
  if (unitOn(context, host, "docker")?.state !== "active")
    return failed(7, "curl: (7) Failed to connect to docker port 80 after 0 ms: Could not connect to server");
  const { pathname: path, searchParams: query } = new URL(target, "http://docker");
  const request = { method, path, query, body: stdin };
  const { status, body = "" } = await engineResponse(new LabDocker(context, host), request);
  return done(`${status}\n${String(body)}`);
};
