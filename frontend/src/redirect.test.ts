import { expect, test } from "vitest";
import { keep, take } from "./redirect";

test("the stored state is for one return only", () => {
  const redirect = { provider: "corp", label: "Corp", flow: "opaque", link: null };
  keep(redirect);
  expect(take()).toEqual(redirect);
  expect(take()).toBeNull();
  expect(sessionStorage.length).toBe(0);
});
