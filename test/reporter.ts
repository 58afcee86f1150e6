/** Ends every test run with one plain line that any program can read: "31 passed, 0 failed, 2 skipped". */
import type { Reporter, TestModule } from "vitest/node";

export class PlainReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly unknown[]): void {
    let passed = 0;
    let skipped = 0;
    let failed = unhandled.length;
    for (const module of modules) {
      let failedHere = 0;
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        if (state === "passed") passed += 1;
        else if (state === "failed") failedHere += 1;
        else skipped += 1;
      }
      // A file that cannot be loaded, or whose hooks fail, has no failed test of its own.
      failed += module.ok() ? failedHere : Math.max(1, failedHere);
    }
    process.stdout.write(`\n${passed} passed, ${failed} failed, ${skipped} skipped\n`);
  }
}
