/** Fingerprints of secrets: equal values have equal ones, and without the key nobody can compute them. */
import { expect, test } from "vitest";
import { fingerprintsBy } from "../../src/fingerprint.ts";
import { Secret } from "../../src/secret.ts";

test("equal values have equal fingerprints, whatever object holds them", () => {
  const fingerprintOf = fingerprintsBy(new Secret("key"));
  expect(fingerprintOf(new Secret("hunter2"))).toMatch(/^[0-9a-f]{8}$/);
  expect(fingerprintOf(new Secret("hunter2"))).toBe(fingerprintOf(new Secret("hunter2")));
  expect(fingerprintOf(new Secret("hunter2"))).not.toBe(fingerprintOf(new Secret("hunter3")));
});

test("another key gives another fingerprint", () => {
  const [one, other] = [fingerprintsBy(new Secret("one")), fingerprintsBy(new Secret("other"))];
  expect(one(new Secret("hunter2"))).not.toBe(other(new Secret("hunter2")));
});
