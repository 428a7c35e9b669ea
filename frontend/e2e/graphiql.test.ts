import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { inspect, launch, signIn, visit } from "./browser";
import { PASSWORD, startService, type Service } from "./service";
import { setUpApp } from "./totp";

// What axe-core finds in GraphiQL itself: a close button within a tab, and pale line numbers and logo.
const THEIRS = [".graphiql-tabs", ".graphiql-logo", ".monaco-editor"];
let service: Service;
let browser: Browser;

beforeAll(async () => {
  [service, browser] = await Promise.all([startService(), launch()]);
  await service.register("ada");
});
afterAll(async () => {
  await browser?.close();
  await service?.stop();
});

test("GraphiQL: sign in, query me, open an example, sign out", async () => {
  const ada = await visit(browser, service.url);
  const page = await ada.open("/graphql");
  const run = page.getByRole("button", { name: /^Execute/ });
  const answer = (text: string) => page.locator(".graphiql-response", { hasText: text }).waitFor();
  const understood = () => page.locator(".graphiql-query-editor", { hasText: "emailVerified" }).waitFor();

  await page.getByLabel("E-mail").waitFor();
  await understood();
  await run.click();
  await answer("null");
  await inspect(page, "graphiql", {
    exclude: THEIRS,
    fits: false,
    // Its editor takes the theme when it is made.
    themed: async () => {
      await page.reload();
      await understood();
    },
  });
  await page.reload();
  await signIn(page, "ada", "not the password");
  await page.getByRole("alert").filter({ hasText: /./ }).first().waitFor();
  await signIn(page, "ada", PASSWORD);
  await page.getByRole("heading", { name: "Signed in" }).waitFor();
  await run.click();
  await answer("ada@example.com");

  await page.getByRole("button", { name: "Show Examples" }).click();
  await page.getByRole("button", { name: "Users, page by page" }).click();
  await page.getByRole("tab", { name: "Users" }).waitFor(); // it has understood the operation
  await run.click();
  await answer("hasNextPage");
  await inspect(page, "graphiql-users", { exclude: THEIRS, fits: false });

  // The wave below an error is an image in the style sheet; what the page's policy blocks stands in the console.
  await page.getByRole("button", { name: "New tab" }).click();
  await page.locator(".graphiql-query-editor .view-lines").first().click();
  await page.keyboard.type("{ nothing }");
  await page.locator(".squiggly-error").first().waitFor();

  const stored = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }]));
  expect(stored).not.toMatch(/authorization|bearer|correct horse/i);

  // Signed in still, as at `/`: the session is the same.
  await page.getByRole("button", { name: "Show Sign in" }).click();
  await page.reload();
  await page.getByRole("heading", { name: "Signed in" }).waitFor();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
  expect(await ada.context.cookies()).toEqual([]);
  await ada.leave();
});

test("GraphiQL: an account with a second factor signs in with a code, or with a recovery code", async () => {
  await service.register("bea");
  const [app, [recoveryCode]] = await setUpApp(service, "bea");
  const bea = await visit(browser, service.url);
  const page = await bea.open("/graphql");
  const code = page.getByLabel("Code of your app");
  const signedIn = page.getByRole("heading", { name: "Signed in" });
  await signIn(page, "bea", PASSWORD);
  await code.fill(app.wrong());
  await page.keyboard.press("Enter");
  await page.getByRole("alert").filter({ hasText: /./ }).first().waitFor();
  await inspect(page, "graphiql-code", { exclude: THEIRS, fits: false });
  await code.fill(await app.code());
  await page.keyboard.press("Enter");
  await signedIn.waitFor();
  await page.getByRole("button", { name: "Sign out" }).click();
  await signIn(page, "bea", PASSWORD);
  await code.fill(recoveryCode!);
  await page.keyboard.press("Enter");
  await signedIn.waitFor();
  await bea.leave();
});
