/** Corp's page, which asks whether to agree. */
import type { BrowserContext } from "playwright-core";
import type { Service } from "./service";

export async function playCorp(context: BrowserContext, service: Service, person: object): Promise<void> {
  await context.route(/\/openid\/authorize\?/, async (route) => {
    const address = route.request().url();
    const { redirect_uri, state } = Object.fromEntries(new URL(address).searchParams);
    const link = (name: string, answer: Record<string, string>) =>
      `<a href="${redirect_uri}?${new URLSearchParams(answer)}">${name}</a>`;
    const agree = link("Agree", await service.authorize(address, person));
    const refuse = link("Refuse", {
      error: "access_denied",
      error_description: "Call 555-0100",
      state: state!,
    });
    await route.fulfill({
      contentType: "text/html",
      body: `<link rel="icon" href="data:,">${agree} ${refuse}`,
    });
  });
}
