import { act } from "react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Form } from "./form";
import { alert, press, render, status } from "./testing";
import { duration } from "./wait";

const submit = vi.fn<() => Promise<{ message: string; retryAfter?: number }[]>>();
beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  vi.useRealTimers();
  submit.mockReset();
});

const button = () => document.querySelector("button")!;
const timer = () => document.querySelector("[role=timer]")?.textContent;
const pass = (seconds: number) => act(() => vi.advanceTimersByTimeAsync(seconds * 1000));

async function refused() {
  submit.mockResolvedValue([{ message: "Too many attempts.", retryAfter: 90 }]);
  await render(
    <Form label="Go" fields={[]} submit={submit}>
      {null}
    </Form>,
  );
  await press("Go");
}

test("the time runs down before the eyes, and is announced once", async () => {
  await refused();
  expect(alert()).toBe("Too many attempts.");
  expect(timer()).toBe("Try again in 1 minute 30 seconds.");
  await pass(31);
  expect(timer()).toBe("Try again in 59 seconds.");
  expect(status()).toBe("You can try again in 1 minute 30 seconds.");
});

test("nothing is sent before the time has passed", async () => {
  await refused();
  expect(button().getAttribute("aria-disabled")).toBe("true");
  await press("Go");
  await pass(89);
  await press("Go");
  expect(submit).toHaveBeenCalledTimes(1);
});

test("after the time, the page says so, and sends again", async () => {
  await refused();
  await pass(91);
  expect([timer(), alert(), status()]).toEqual([undefined, "", "You can try again now."]);
  expect(button().getAttribute("aria-disabled")).toBe("false");
  submit.mockResolvedValue([]);
  await press("Go");
  expect(submit).toHaveBeenCalledTimes(2);
  expect(status()).toBe("");
});

test.each([
  [1, "1 second"],
  [60, "1 minute"],
  [3605, "1 hour"],
  [3 * 86400 + 7250, "3 days 2 hours"],
])("%i seconds are %s", (seconds, words) => expect(duration(seconds)).toBe(words));
