/** Messages from what programs printed. */
import { describe, expect, test } from "vitest";
import { causeIn, lastLines } from "../../src/formats/text/last-lines.ts";

/** As Compose 2.29 printed them behind Portainer 2.23. */
const taken = `failed to deploy a stack:  Network web_default  Creating
 Network web_default  Created
 Container web-db-1  Creating
 Container web-db-1  Created
 Container web-app-1  Recreate
 Container web-app-1  Recreated
 Container web-db-1  Starting
 Container web-db-1  Started
 Container web-app-1  Starting
Error response from daemon: driver failed programming external connectivity on endpoint web-app-1: Bind for 0.0.0.0:8081 failed: port is already allocated
`;
const pull = `failed to deploy a stack:  app Pulling
 1f3e46996e29 Pulling fs layer
 1f3e46996e29 Downloading [====>    ]  1.2MB/30MB
 app Error
Error response from daemon: manifest for nginx:nope not found: manifest unknown: manifest unknown
`;
const coloured =
  "\u001b[90m2024/11/28 09:00AM\u001b[0m \u001b[31mFTL\u001b[0m \u001b[1mgithub.com/portainer/main.go:437\u001b[0m > failed opening store | \u001b[36merror=\u001b[0mtimeout";

describe("the cause of a failed deployment", () => {
  test.each([
    [
      taken,
      "failed to deploy a stack: Error response from daemon: driver failed programming external connectivity on endpoint web-app-1: Bind for 0.0.0.0:8081 failed: port is already allocated",
    ],
    [
      pull,
      "failed to deploy a stack: Error response from daemon: manifest for nginx:nope not found: manifest unknown: manifest unknown",
    ],
    [
      'failed to deploy a stack: time="2024" level=warning msg="The \\"X\\" variable is not set."\nservices.app.image must be a string\n',
      "failed to deploy a stack: services.app.image must be a string",
    ],
    ["Name is not unique", "Name is not unique"],
    [" Container a  Creating\n", "Container a  Creating"],
  ])("stands alone (%#)", (text, cause) => {
    expect(causeIn(text)).toBe(cause);
  });
});

test("no colour gets into a message", () => {
  expect(lastLines(coloured)).toBe(
    "2024/11/28 09:00AM FTL github.com/portainer/main.go:437 > failed opening store | error=timeout",
  );
  expect(causeIn(coloured)).not.toContain("\u001b");
});

test("the last lines of a program's output leave its progress out", () => {
  expect(lastLines(" Container a  Creating\n Container a  Created\nno space left on device\n")).toBe(
    "no space left on device",
  );
});
