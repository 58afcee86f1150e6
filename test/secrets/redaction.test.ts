/** Known secrets in values: in every encoding, wherever they are broken, and never a number or a word of ours. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { redacted, redactor } from "../../src/redaction.ts";
import { hanging } from "../../src/render/layout.ts";
import { Secret } from "../../src/secret.ts";

const canary = `C4nary "of' $several\\words & <more>/é+~`;
const redact = redactor([new Secret(canary)]);

/** Whether a text shows a part of the canary that is long enough to help. */
function shows(text: string): boolean {
  return /C4nary|several|words|more/.test(text);
}

describe("a secret in another form", () => {
  const json = JSON.stringify(canary).slice(1, -1);
  const html = canary.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  test.each<[string, string]>([
    ["as it is", canary],
    ["in JSON", json],
    ["in JSON in JSON", JSON.stringify(json).slice(1, -1)],
    ["in a URL", encodeURIComponent(canary)],
    ["in a URL, in lower case", encodeURIComponent(canary).replace(/%../g, (code) => code.toLowerCase())],
    ["in a form", encodeURIComponent(canary).replaceAll("%20", "+")],
    ["in a Compose file", canary.replaceAll("$", "$$$$")],
    ["in HTML", html],
    ["in HTML with quotes", html.replaceAll('"', "&quot;").replaceAll("'", "&#39;")],
    ["in HTML as Go writes it", html.replaceAll('"', "&#34;").replaceAll("'", "&#39;")],
    ["in a shell's quotes", canary.replaceAll("'", "'\\''")],
    ["in hexadecimal digits", Buffer.from(canary).toString("hex")],
    ["wrapped", canary.replaceAll(" ", "\n      ")],
    ["flattened by somebody else", canary.replaceAll(" ", "\\n\\t")],
    ["cut", canary.slice(0, 30)],
  ])("%s", (_, text) => {
    const clean = redact(`before ${text} after`);
    expect(clean).toMatch(/^before \(secret\)\S* ?/);
    expect(shows(clean)).toBe(false);
    expect(clean.endsWith(" after")).toBe(true);
  });

  test("in base64, wherever it begins in a longer text", () => {
    for (const before of ["", "u", "us", "usr", "user:"])
      for (const after of ["", "x", "xy", "xyz"]) {
        const text = Buffer.from(before + canary + after).toString("base64");
        const clean = redact(`Basic ${text}`);
        expect(clean).toContain("(secret)");
        expect(shows(Buffer.from(clean.replace("(secret)", " "), "base64").toString())).toBe(false);
      }
  });

  test("in any text around it", () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 20 }), fc.string({ maxLength: 20 }), (before, after) => {
        expect(shows(redact(before + canary + after))).toBe(false);
      }),
    );
  });
});

describe("a secret of several lines", () => {
  const key = new Secret("-----BEGIN KEY-----\nline-one-of-it\n  line-two-of-it\n-----END KEY-----\n");

  test("is replaced line by line", () => {
    const clean = redactor([key])("error near line-two-of-it in line 3");
    expect(clean).toBe("error near (secret) in line 3");
  });

  test("is replaced where it was put on one line", () => {
    expect(redactor([key])("got -----BEGIN KEY----- line-one-of-it line-two-of-it")).not.toContain("line-");
  });
});

describe("a short secret", () => {
  const pin = redactor([new Secret("4711"), new Secret("abc"), new Secret("true"), new Secret("x")]);
  test.each([
    ["PIN=4711", "PIN=(secret)"],
    ["the password is abc.", "the password is (secret)."],
    ["10.4711.0.1 and 14711", "10.4711.0.1 and 14711"],
    ["abcd xabc", "abcd xabc"],
    ["enabled: true, x", "enabled: true, x"],
  ])("%s", (text, clean) => {
    expect(pin(text)).toBe(clean);
  });
});

test("what was redacted is not redacted again", () => {
  const twice = redactor([new Secret("secret"), new Secret("(secret)")]);
  expect(twice(twice("a secret"))).toBe("a (secret)");
});

describe("a value", () => {
  const redactAll = redactor([new Secret("100000"), new Secret("update"), new Secret("dns/records")]);

  test("keeps its numbers, its words of ours and the names of things", () => {
    const value = {
      verb: "update",
      id: "dns/records",
      components: ["update"],
      durationMs: 100000,
      reason: "update failed: 100000",
    };
    const clean = redacted(value, redactAll);
    expect(clean).toEqual({ ...value, reason: "(secret) failed: (secret)" });
    expect(JSON.parse(JSON.stringify(clean))).toEqual(clean);
  });

  test("is redacted before it is wrapped: no line end splits a secret", () => {
    const words = redactor([new Secret("correct horse battery staple")]);
    const message = redacted({ message: "cannot log in with correct horse battery staple here" }, words);
    const lines = hanging("Error: ", message.message, 24).join("\n");
    expect(lines).not.toMatch(/correct|horse|battery|staple/);
  });

  test("has names from outside in its units only", () => {
    const clean = redacted({ units: { "record update": "100000" }, message: "x" }, redactAll);
    expect(clean).toEqual({ units: { "record (secret)": "(secret)" }, message: "x" });
  });
});
