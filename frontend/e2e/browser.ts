/** Debian's Chromium, which reaches nothing but the service, and what it complained about. */
import axe from "axe-core";
import { chromium, type Browser, type BrowserContext, type Page, type ViewportSize } from "playwright-core";
import { expect } from "vitest";

export const THEMES = ["light", "dark"] as const;
export const SIZES = { desktop: { width: 1280, height: 800 }, phone: { width: 360, height: 780 } };
export const GOOGLE = "https://accounts.google.com/gsi/client";
export const FACEBOOK = "https://connect.facebook.net/en_US/sdk.js";
const SCREENSHOTS = `${import.meta.dirname}/../screenshots`;

export function launch(): Promise<Browser> {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    // A second fence: no name can be resolved, and nothing runs in the background.
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
    ],
  });
}

export interface Visit {
  context: BrowserContext;
  /** Operations sent to the service, by the name of their first field. */
  operations: string[];
  /** What may stand in the console; anything else fails the test. */
  expected: RegExp[];
  open(path: string): Promise<Page>;
  /** Nothing foreign was asked for, and the console stayed empty. Ends the visit. */
  leave(): Promise<void>;
}

/** A browser profile of one person. `stubs` answer in the place of foreign scripts; without any, those do nothing. */
export async function visit(
  browser: Browser,
  url: string,
  stubs: Record<string, string> = { [GOOGLE]: "", [FACEBOOK]: "" },
): Promise<Visit> {
  const context = await browser.newContext({ baseURL: url, locale: "en-GB", timezoneId: "UTC" });
  const foreign: string[] = [];
  const complaints: string[] = [];
  const operations: string[] = [];
  const expected: RegExp[] = [];
  context.setDefaultTimeout(15_000);
  await context.route(
    (address) => address.origin !== url,
    (route) => {
      const address = route.request().url();
      const body = stubs[address];
      if (body !== undefined) return route.fulfill({ contentType: "text/javascript", body });
      foreign.push(address);
      return route.abort();
    },
  );
  context.on("request", (request) => {
    if (request.method() !== "POST" || !request.url().endsWith("/graphql")) return;
    const query: string = request.postDataJSON().query;
    operations.push(/\{\s*(?:payload: )?(\w+)/.exec(query)![1]!);
  });
  context.on("console", (message) => complaints.push(message.text()));
  context.on("weberror", (error) => complaints.push(String(error.error())));
  return {
    context,
    operations,
    expected,
    async open(path) {
      const page = await context.newPage();
      await page.goto(path);
      return page;
    },
    async leave() {
      await context.close();
      expect(foreign, "requests to other hosts").toEqual([]);
      expect(
        complaints.filter((text) => !expected.some((pattern) => pattern.test(text))),
        "console messages",
      ).toEqual([]);
    },
  };
}

/** Pictures of the page in both themes and sizes. In none of them axe-core complains, or the page scrolls sideways. */
export async function inspect(
  page: Page,
  name: string,
  {
    exclude = [],
    themed,
    fits = true,
    sizes = SIZES,
  }: { exclude?: string[]; themed?: () => Promise<unknown>; fits?: boolean; sizes?: Record<string, ViewportSize> } = {},
): Promise<void> {
  for (const theme of THEMES) {
    await page.emulateMedia({ colorScheme: theme, reducedMotion: "reduce" });
    await themed?.();
    for (const [size, viewport] of Object.entries(sizes)) {
      await page.setViewportSize(viewport);
      // A dialog is drawn for the window, not for the page.
      const fullPage = (await page.getByRole("dialog").count()) === 0;
      await page.screenshot({ path: `${SCREENSHOTS}/${name}-${theme}-${size}.png`, fullPage });
      const width = await page.evaluate(() => document.documentElement.scrollWidth);
      if (fits) expect(width, `the width of ${name}, ${size}`).toBeLessThanOrEqual(viewport.width);
      await page.evaluate(axe.source);
      const { violations } = await page.evaluate(
        (exclude) => (window as unknown as { axe: typeof axe }).axe.run({ exclude }),
        exclude,
      );
      const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
      expect(found, `axe-core on ${name}, ${theme}, ${size}`).toEqual([]);
    }
  }
  await page.emulateMedia({ colorScheme: "light" });
  await page.setViewportSize(SIZES.desktop);
}

export const heading = (page: Page, name: string) => page.getByRole("heading", { level: 1, name }).waitFor();
export const alert = (page: Page, text: string | RegExp) =>
  page.getByRole("alert").filter({ hasText: text }).waitFor();

export async function signIn(page: Page, username: string, password: string): Promise<void> {
  await page.getByLabel("E-mail", { exact: true }).fill(`${username}@example.com`);
  await page.getByLabel("Password", { exact: true }).fill(password);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
}

/** The refresh token, which the test can see and scripts cannot. */
export async function refreshToken({ context }: Visit): Promise<string> {
  return (await context.cookies()).find(({ name }) => name === "refresh_token")!.value;
}
