import { expect, test } from "vitest";
import { keep, take } from "./redirect";

test("what is kept is there for one return", () => {
  const redirect = { provider: "corp", label: "Corp", flow: "opaque", link: null };
  keep(redirect);
  expect(take()).toEqual(redirect);
  expect(take()).toBeNull();
  expect(sessionStorage.length).toBe(0);
});
