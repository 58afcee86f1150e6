/**
 * The dashboard's page in Debian's chromium: what a person sees, hears, presses and waits for. UPDATE=1 takes the README's
 * pictures again.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import axe, { type AxeResults } from "axe-core";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { page as buildPage } from "../../../script/page.mjs";
import { staticPage } from "../../../src/dashboard/html.ts";
import { type DashboardServer, startServer } from "../../../src/dashboard/server.ts";
import { sampleDocument } from "../../dashboard/sample.ts";
import { start } from "../edge.ts";

const root = join(import.meta.dirname, "../../..");
const program = join(root, "bin/phoenix");
const executablePath = "/usr/bin/chromium";

describe.skipIf(!existsSync(executablePath))("the dashboard in chromium (Debian's package chromium)", () => {
  let browser: Browser;
  let directory: string;
  let assets: Awaited<ReturnType<typeof buildPage>>["assets"];
  const servers: DashboardServer[] = [];
  const children: ChildProcess[] = [];

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), "phoenix-page-"));
    ({ assets } = await buildPage());
    browser = await chromium.launch({
      executablePath,
      args: ["--no-sandbox", "--disable-dev-shm-usage", "--disable-lcd-text"],
    });
  });
  afterAll(async () => {
    for (const child of children) child.kill("SIGKILL");
    await Promise.all(servers.map((server) => server.close()));
    await browser?.close();
    rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
  });

  async function serve(names: number): Promise<DashboardServer> {
    const server = await startServer({ assets, address: "127.0.0.1", port: 0, names: ["localhost"] });
    servers.push(server);
    server.show(sampleDocument(names));
    return server;
  }

  /** A page in a context of its own, on which every complaint of the browser is a failure. */
  async function open(url: string, options: BrowserContextOptions = {}): Promise<Page> {
    const page = await (
      await browser.newContext({ viewport: { width: 1280, height: 720 }, ...options })
    ).newPage();
    page.on("console", (message) => expect.soft(message.text(), "the browser's console").toBe(""));
    page.on("pageerror", (error) => expect.soft(String(error), "an error of the page").toBe(""));
    await page.goto(url);
    await page.locator(".row").first().waitFor();
    return page;
  }

  function fileOf(names: number): string {
    const path = join(directory, `${names}.html`);
    writeFileSync(path, staticPage(assets, sampleDocument(names)));
    return `file://${path}`;
  }

  test("shows each name's way, and what is not well by sign and word", async () => {
    const page = await open(fileOf(8));
    expect(await page.locator(".row").count()).toBe(8);
    expect(await page.locator(".row .stop .sign").count()).toBe(8 * 7);
    expect(await page.locator(".verdict").textContent()).toContain("2 of 8 names broken");
    await page.getByRole("button", { name: "Not well" }).click();
    expect(await page.locator(".row").count()).toBe(2);
    await page.getByRole("searchbox").fill("name-7");
    expect(await page.locator(".row").count()).toBe(1);
    expect(await page.locator(".plan").textContent()).toContain("Plan: 0 to create, 1 to update");
    expect(await page.locator(".certificate").textContent()).toMatch(
      /gateway\.oak\.home\.arpa7 h leftrenewal due/,
    );
    expect(await page.locator(".run").first().textContent()).toMatch(/sync all.*8\.3 s.*was rolled back/);
    await page.context().close();
  });

  test("works by keyboard alone: search, move, open, close", async () => {
    const page = await open(fileOf(8));
    const focused = (): Promise<string | null> =>
      page.evaluate('document.activeElement?.querySelector(".name")?.textContent ?? null');
    await page.keyboard.press("/");
    await page.keyboard.type("name");
    await page.keyboard.press("ArrowDown");
    expect(await focused()).toBe("name-0.oak.home.arpa: proved");
    await page.keyboard.press("End");
    await page.keyboard.press("ArrowUp");
    await page.keyboard.press("ArrowDown");
    expect(await focused()).toBe("name-7.oak.home.arpa: broken at Guest");
    await page.keyboard.press("Enter");
    const detail = page.locator(".hop.is-broken");
    expect(await detail.textContent()).toMatch(
      /as declared.*stacks\/wiki\/docker-compose\.yml:14.*the mesh answers 502/,
    );
    await page.keyboard.press("Escape");
    expect(await detail.count()).toBe(0);
    await page.context().close();
  });

  test("a click on a stop points at that hop", async () => {
    const page = await open(fileOf(8));
    await page.locator(".row").nth(3).locator(".stop").nth(5).click();
    expect(await page.locator(".hop.is-pointed").textContent()).toContain("docker-one");
    await page.context().close();
  });

  test.each([
    { colorScheme: "light", width: 1280 },
    { colorScheme: "dark", width: 1280 },
    { colorScheme: "light", width: 390 },
    { colorScheme: "dark", width: 390 },
  ] as const)(
    "axe finds nothing to complain about: $colorScheme, $width px",
    async ({ colorScheme, width }) => {
      const page = await open(fileOf(8), { colorScheme, viewport: { width, height: 844 }, bypassCSP: true });
      await page.locator(".row").nth(3).click();
      await page.addScriptTag({ content: axe.source });
      const { violations } = await page.evaluate<AxeResults>("axe.run()");
      expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(", ")}`)).toEqual(
        [],
      );
      expect(await page.evaluate("document.documentElement.scrollWidth"), "nothing is wider").toBe(width);
      await page.context().close();
    },
  );

  test("no rail is cut off, however wide the window is", async () => {
    const page = await open(fileOf(8));
    const cut = `[...document.querySelectorAll(".row, .columns")].filter((row) => row.scrollWidth > row.clientWidth).length`;
    for (const width of [320, 390, 768, 901, 1024, 1280, 1321, 1920]) {
      await page.setViewportSize({ width, height: 700 });
      expect(await page.evaluate("document.documentElement.scrollWidth"), `${width} px`).toBe(width);
      expect(await page.evaluate(cut), `${width} px`).toBe(0);
    }
    await page.context().close();
  });

  test("a reader who wants no motion gets none", async () => {
    const page = await open(fileOf(8), { reducedMotion: "reduce" });
    expect(await page.evaluate("document.getAnimations().length")).toBe(0);
    await page.context().close();
    const moving = await open(fileOf(8));
    expect(await moving.evaluate("document.getAnimations().length")).toBeGreaterThan(0);
    await moving.context().close();
  });

  test("1,000 names are painted within a second, and all can be found", async () => {
    const server = await serve(1_000);
    const page = await open(server.url);
    const paintedMs = (): Promise<number> =>
      page.evaluate('performance.getEntriesByName("first-contentful-paint")[0]?.startTime');
    let best = await paintedMs();
    // A busy machine is slow now and then, a slow page always.
    for (let again = 0; again < 4 && best >= 1_000; again += 1) {
      await page.reload();
      await page.locator(".row").first().waitFor();
      best = Math.min(best, await paintedMs());
    }
    expect(best).toBeLessThan(1_000);
    await expect.poll(() => page.locator(".row").count()).toBe(1_000);
    await page.getByRole("searchbox").fill("name-999.");
    await expect.poll(() => page.locator(".row").count()).toBe(1);
    await page.context().close();
  });

  test("the token leaves the address, and without it there is no page", async () => {
    const server = await serve(3);
    const page = await open(server.url);
    expect(page.url()).not.toContain("token");
    await page.reload();
    await page.locator(".row").first().waitFor();
    const { origin } = new URL(server.url);
    await page.context().close();
    const stranger = await (await browser.newContext()).newPage();
    for (const address of ["/", "/?token=wrong"])
      expect((await stranger.goto(origin + address))?.status()).toBe(401);
    await stranger.context().close();
  });

  test("a sync of another process is seen as it goes, and its end", { timeout: 240_000 }, async () => {
    const lab = join(directory, "lab");
    expect((await start(["lab", "init", lab, "--site", join(root, "examples/homelab")])).code).toBe(0);
    const dashboard = spawn(process.execPath, [
      program,
      "dashboard",
      "--lab",
      lab,
      "--listen",
      "127.0.0.1:0",
    ]);
    children.push(dashboard);
    let said = "";
    dashboard.stdout.setEncoding("utf8").on("data", (text) => {
      said += text;
    });
    await expect.poll(() => said, { timeout: 60_000 }).toMatch(/token=\S+\n/);
    const page = await open(/http\S+/.exec(said)?.[0] ?? "");
    await page.getByText("to create").first().waitFor();
    const sync = start(["sync", "all", "--lab", lab]);
    const live = page.locator(".live");
    await live.getByText("sync all, started").waitFor({ timeout: 60_000 });
    await live
      .locator("li", { hasText: "stacks" })
      .filter({ hasText: /waiting|reading|applying|verifying/ })
      .waitFor();
    expect((await sync).code).toBe(0);
    await live.waitFor({ state: "detached" });
    const verdict = page.locator(".verdict-line");
    await expect.poll(() => verdict.textContent(), { timeout: 90_000 }).toContain("All 25 names proved");
    expect(await page.locator(".run").first().textContent()).toMatch(/1.*sync all.*converged/);
    const ended = new Promise((resolve) => dashboard.on("exit", resolve));
    dashboard.kill("SIGINT");
    expect(await ended).toBe(0);
    await page.getByText("No connection to the dashboard").waitFor();
    await page.context().close();
  });

  test("a guest that is down is told where it is, in a file of its owner's alone", {
    timeout: 240_000,
  }, async () => {
    const lab = join(directory, "lab");
    const path = join(directory, "fabric.html");
    expect((await start(["lab", "break", "guest-down", "lxc/220", "--lab", lab])).code).toBe(0);
    const written = await start(["dashboard", "--lab", lab, "--html", path]);
    expect(written.code, written.stderr).toBe(0);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    // Pictures of two labs are the same.
    writeFileSync(path, readFileSync(path, "utf8").replaceAll(`lab ${lab}`, "the lab of examples/homelab"));
    const page = await open(`file://${path}`, { viewport: { width: 1340, height: 540 } });
    const broken = await page.locator(".way.is-broken .name").allTextContents();
    expect(broken, /"seen":"[^"]*"/.exec(readFileSync(path, "utf8"))?.[0]).toEqual([
      "media.oak.home.arpa: broken at Guest",
    ]);
    const row = page.locator(".row", { hasText: "media.oak.home.arpa" });
    await row.focus();
    await page.keyboard.press("Enter");
    const hop = page.locator(".hop.is-broken");
    expect(await hop.textContent()).toMatch(
      /lxc\/220.*expected.*http:\/\/192\.168\.40\.20:8096.*phoenix_lxc_configs\.json:\d+.*seen.*the mesh answers 504/,
    );
    if (process.env.UPDATE === "1") await pictures(page);
    for (const picture of ["light", "dark", "phone"])
      expect(statSync(join(root, `docs/screenshots/dashboard-${picture}.png`)).size).toBeLessThan(150_000);
    await page.context().close();
  });

  async function pictures(page: Page): Promise<void> {
    const take = (name: string): Promise<Buffer> =>
      page.screenshot({ path: join(root, `docs/screenshots/dashboard-${name}.png`) });
    await page.locator(".verdict").click();
    await take("light");
    await page.emulateMedia({ colorScheme: "dark" });
    await take("dark");
    await page.emulateMedia({ colorScheme: "light" });
    await page.setViewportSize({ width: 390, height: 844 });
    await take("phone");
  }
});

test.runIf(!existsSync(executablePath))(
  "chromium is not installed: the page was not tested in a browser",
  ({ skip }) => skip(),
);
