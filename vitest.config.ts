/**
 * The rings of tests: pure functions, the embedded lab, the built program, the contracts of real systems, whole scenarios in
 * the lab (kills, faults, drift), and the testbed's machines. The last two run alone: they judge how long things take, and a
 * busy neighbour would look like a fault. Each file has a process of its own, so that its processor time can be measured.
 */
import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";
import { PlainReporter } from "./test/reporter.ts";

const lab = ["test/lab/**/*.test.ts"];
const scenarios = ["test/lab/scenarios/**/*.test.ts", "test/lab/defects.test.ts"];
const program = ["test/cli/program/**/*.test.ts", "test/script/**/*.test.ts"];
const packages = ["test/package/**/*.test.ts"];
const contract = ["test/contract/**/*.test.ts"];
const testbed = ["test/testbed/**/*.test.ts"];
/** For tests that start servers and processes, on a machine that is busy with other things. */
const patience = { testTimeout: 60_000, hookTimeout: 120_000 };

export default defineConfig({
  test: {
    reporters: [process.env.CI ? "dot" : "default", new PlainReporter()],
    maxWorkers: availableParallelism(),
    projects: [
      {
        extends: true,
        test: {
          name: "pure",
          include: ["test/**/*.test.ts"],
          exclude: [...lab, ...program, ...packages, ...contract, ...testbed],
          // Property tests on a machine that is busy with other things.
          testTimeout: 20_000,
        },
      },
      {
        extends: true,
        test: {
          name: "lab",
          include: lab,
          exclude: scenarios,
          globalSetup: ["test/lab/scenarios/shared.ts"],
          ...patience,
        },
      },
      {
        extends: true,
        test: {
          name: "program",
          include: program,
          globalSetup: ["test/build.ts"],
          ...patience,
        },
      },
      { extends: true, test: { name: "package", include: packages, ...patience } },
      { extends: true, test: { name: "contract", include: contract, ...patience } },
      {
        extends: true,
        test: {
          name: "scenarios",
          include: scenarios,
          globalSetup: ["test/lab/scenarios/shared.ts"],
          sequence: { groupOrder: 1 },
          ...patience,
        },
      },
      // All files use the same machines, so they run one after the other; a real machine may need a second attempt.
      {
        extends: true,
        test: {
          name: "testbed",
          include: testbed,
          fileParallelism: false,
          sequence: { groupOrder: 2 },
          globalSetup: ["test/build.ts"],
          testTimeout: 180_000,
          hookTimeout: 1_200_000,
          retry: 1,
        },
      },
    ],
  },
});
